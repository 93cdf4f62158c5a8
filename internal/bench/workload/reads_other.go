//go:build !linux

package workload

const directFlag = 0

func alignment([]byte) int { return 0 }
