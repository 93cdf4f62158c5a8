package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// The test binary is the program, when it is told so.
func TestMain(m *testing.M) {
	if os.Getenv("FLEET_TEST_PROGRAM") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// killedPatience is the patience where a worker is killed: as long as the test has to wait for what it held.
const killedPatience = 2 * time.Second

func worker(t *testing.T, url string, flags ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"work", "-url", url, "-patience", killedPatience.String()}, flags...)...)
	cmd.Env = append(os.Environ(), "FLEET_TEST_PROGRAM=1")
	cmd.Stderr = &strings.Builder{}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// documents puts n of them into the queue, beginning with a certain one, and returns what must come of each.
func documents(t *testing.T, q *queue, first, n int) map[string]string {
	t.Helper()
	want := map[string]string{}
	rng := rand.New(rand.NewPCG(1, uint64(first)))
	for i := first; i < first+n; i++ {
		content := make([]byte, 20_000+rng.IntN(20_000))
		for j := range content {
			content[j] = byte('a' + rng.IntN(8))
		}
		name := fmt.Sprintf("document %d", i)
		if err := q.submit(t.Context(), name, content); err != nil {
			t.Fatal(err)
		}
		want[name] = fmt.Sprintf("%x %d", sha256.Sum256(content), len(content))
	}
	return want
}

func check(t *testing.T, q *queue, want map[string]string) {
	t.Helper()
	got, err := q.results(context.Background())
	if err != nil || len(got) != len(want) {
		t.Errorf("%d results, %v; want %d", len(got), err, len(want))
	}
	for name, w := range want {
		if !strings.HasPrefix(got[name], w+" ") {
			t.Fatalf("%s: %q, want %s", name, got[name], w)
		}
	}
}

// start starts a server. A message that was not acknowledged for so long goes to another worker.
func start(t *testing.T, patience time.Duration) (q *queue, url string) {
	t.Helper()
	s, err := startServer("127.0.0.1:0", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	q, err = connect(t.Context(), s.ClientURL(), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.close)
	return q, s.ClientURL()
}

// stored waits until there are n results.
func stored(t *testing.T, q *queue, n uint64) {
	t.Helper()
	for {
		status, err := q.bucket.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if status.Values() >= n {
			return
		}
	}
}

func TestAWorkerThatIsKilledLosesNothing(t *testing.T) {
	q, url := start(t, killedPatience)
	want := map[string]string{}
	for held := false; !held; { // one that had done all there was held nothing when it was killed
		maps.Copy(want, documents(t, q, len(want), 400))
		victim := worker(t, url)
		stored(t, q, uint64(len(want)-300))
		if err := victim.Process.Kill(); err != nil { // half-way
			t.Fatal(err)
		}
		if victim.Wait() == nil {
			t.Error("the victim has ended by itself")
		}
		info, err := q.consumer.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held = info.NumAckPending > 0
	}
	workers := []*exec.Cmd{worker(t, url, "-drain"), worker(t, url, "-drain")}
	for _, w := range workers {
		if err := w.Wait(); err != nil {
			t.Errorf("%v: %s", err, w.Stderr)
		}
	}
	check(t, q, want)
}

func TestAResultIsTheSameHoweverOftenItIsMade(t *testing.T) {
	q, _ := start(t, time.Minute)
	want := documents(t, q, 0, 20)
	if n, err := q.work(t.Context(), true); n != 20 || err != nil {
		t.Fatal(n, err)
	}
	check(t, q, want)
	documents(t, q, 0, 20) // the server knows them
	if n, err := q.work(t.Context(), true); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	check(t, q, want)
}

func TestAWorkerTakesNoMoreThanItsWindow(t *testing.T) {
	q, _ := start(t, time.Minute)
	documents(t, q, 0, 4*window)
	taken := 0
	for m, err := range q.messages(t.Context(), true) {
		if err != nil {
			t.Fatal(err)
		}
		_ = m
		if taken++; taken == 10 {
			break
		}
	}
	info, err := q.consumer.Info(t.Context())
	if err != nil || info.NumAckPending > window/4 {
		t.Errorf("%d messages are taken, %v", info.NumAckPending, err)
	}
}

func TestWrongArgumentsAreErrors(t *testing.T) {
	for _, args := range [][]string{nil, {"dance"}, {"serve", "-addr", "nowhere"}, {"work", "-url", "nats://127.0.0.1:1"}, {"list", "-no"}} {
		if err := run(t.Context(), args); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}
