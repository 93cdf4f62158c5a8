// Package bench compares pinwheel with Go libraries that give work to goroutines. It is a module of its own, so that users of
// pinwheel do not inherit its dependencies.
//
//	go test -bench . -count 10 | benchstat -col /peer -
//
// What each benchmark times is the same for all: empty tasks, started and awaited in the way that the library is made for.
// TestAPoolWaitsForItsOwnTasks says which of them survive a task that submits to its own full pool and waits.
package bench
