// Module bench compares pinwheel with Go libraries that the main module must not depend on.
module github.com/pinwheel-sched/pinwheel/bench

go 1.26.0

require (
	github.com/alitto/pond/v2 v2.7.1
	github.com/panjf2000/ants/v2 v2.12.1
	github.com/pinwheel-sched/pinwheel v0.0.0
	github.com/sourcegraph/conc v0.3.0
	golang.org/x/net v0.62.0
	golang.org/x/sync v0.24.0
)

require (
	go.uber.org/atomic v1.12.0 // indirect
	go.uber.org/multierr v1.9.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/pinwheel-sched/pinwheel => ../
