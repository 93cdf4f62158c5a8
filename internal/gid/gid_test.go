package gid

import (
	"iter"
	"runtime"
	"sync"
	"testing"
)

func TestAGoroutineKeepsItsIdentityWhenItsStackMoves(t *testing.T) {
	id := Current()
	if id == 0 {
		t.Fatal("identity 0")
	}
	var grow func(n int) byte
	grow = func(n int) byte {
		var frame [1024]byte
		if n > 0 {
			frame[n%len(frame)] = grow(n - 1)
		}
		if Current() != id {
			panic("identity changed")
		}
		return frame[0]
	}
	grow(200)
	runtime.GC()
	if Current() != id {
		t.Fatal("identity changed by a collection")
	}
}

func TestLiveGoroutinesDiffer(t *testing.T) {
	const n = 100
	var mu sync.Mutex
	seen := map[uintptr]bool{Current(): true}
	var all, done sync.WaitGroup
	all.Add(n)
	for range n {
		done.Go(func() {
			mu.Lock()
			seen[Current()] = true
			mu.Unlock()
			all.Done()
			all.Wait() // none ends before all have looked
		})
	}
	done.Wait()
	if len(seen) != n+1 {
		t.Fatalf("%d identities for %d goroutines", len(seen), n+1)
	}
}

func TestACoroutineIsAGoroutineOfItsOwn(t *testing.T) {
	id := Current()
	next, stop := iter.Pull(func(yield func(uintptr) bool) {
		for yield(Current()) {
		}
	})
	defer stop()
	a, _ := next()
	b, _ := next()
	if a == id || a != b {
		t.Fatalf("caller %x, coroutine %x then %x", id, a, b)
	}
}

func TestALockedGoroutineIsNotFree(t *testing.T) {
	if lockWord() == 0 {
		t.Skip("this system does not tell whether a goroutine is locked")
	}
	check := func(when string, want bool) {
		t.Helper()
		if got := Free(); got != want {
			t.Errorf("%s: free %t", when, got)
		}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		check("at first", true)
		runtime.LockOSThread()
		check("locked", false)
		runtime.LockOSThread()
		runtime.UnlockOSThread()
		check("locked twice, unlocked once", false)
		runtime.UnlockOSThread()
		check("unlocked", true)
	}()
	<-ended
}

// The word must be found on the systems that pinwheel is made for: waits are slower without.
func TestTheLockWordIsFound(t *testing.T) {
	if arch := runtime.GOARCH; arch != "amd64" && arch != "arm64" {
		t.Skip("the descriptor is out of reach on " + arch)
	}
	if lockWord() == 0 {
		t.Error("not found")
	}
}

func BenchmarkFree(b *testing.B) {
	for b.Loop() {
		Free()
	}
}

func BenchmarkCurrent(b *testing.B) {
	for b.Loop() {
		Current()
	}
}
