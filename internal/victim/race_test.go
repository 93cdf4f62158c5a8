//go:build race

package victim

const raceDetector = true
