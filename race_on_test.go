//go:build race

package dingtalk

// raceDetector tells that allocations cannot be counted: pools forget things at
// random then.
const raceDetector = true
