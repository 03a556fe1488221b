//go:build race

package inject

// raceEnabled makes tests that take long under the race detector smaller.
const raceEnabled = true
