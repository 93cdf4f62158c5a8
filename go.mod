module github.com/pinwheel-sched/pinwheel

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/klauspost/cpuid/v2 v2.4.2
	go.uber.org/atomic v1.12.0
	golang.org/x/sys v0.49.0
)
