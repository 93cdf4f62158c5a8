package main

import (
	"context"
	"crypto/sha256"
	"fmt"
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

func worker(t *testing.T, url string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "work", "-url", url, "-drain", "-patience", "1s")
	cmd.Env = append(os.Environ(), "FLEET_TEST_PROGRAM=1")
	cmd.Stderr = &strings.Builder{}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// documents puts some into the queue, and returns what must come of each.
func documents(t *testing.T, q *queue, n int) map[string]string {
	t.Helper()
	want := map[string]string{}
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range n {
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

func start(t *testing.T) (q *queue, url string) {
	t.Helper()
	s, err := startServer("127.0.0.1:0", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	q, err = connect(t.Context(), s.ClientURL(), time.Second)
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
	q, url := start(t)
	want := documents(t, q, 600)
	victim := worker(t, url)
	stored(t, q, 100)
	if err := victim.Process.Kill(); err != nil { // half-way: it holds messages
		t.Fatal(err)
	}
	if victim.Wait() == nil {
		t.Error("the victim was done before it was killed")
	}
	info, err := q.consumer.Info(t.Context())
	if err != nil || info.NumAckPending == 0 {
		t.Errorf("the victim held nothing when it was killed: %v", err)
	}
	workers := []*exec.Cmd{worker(t, url), worker(t, url)}
	for _, w := range workers {
		if err := w.Wait(); err != nil {
			t.Errorf("%v: %s", err, w.Stderr)
		}
	}
	check(t, q, want)
}

func TestAResultIsTheSameHoweverOftenItIsMade(t *testing.T) {
	q, _ := start(t)
	want := documents(t, q, 20)
	if n, err := q.work(t.Context(), true); n != 20 || err != nil {
		t.Fatal(n, err)
	}
	check(t, q, want)
	documents(t, q, 20) // the server knows them
	if n, err := q.work(t.Context(), true); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	check(t, q, want)
}

func TestAWorkerTakesNoMoreThanItsWindow(t *testing.T) {
	q, _ := start(t)
	documents(t, q, 4*window)
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
