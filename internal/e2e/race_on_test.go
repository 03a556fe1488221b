//go:build race

package e2e

// raceDetector tells that allocations cannot be counted: pools forget things at
// random then.
const raceDetector = true
