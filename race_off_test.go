//go:build !race

package dingtalk

const raceDetector = false
