//go:build !race

package victim

const raceDetector = false
