package sched_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/pinwheel-sched/pinwheel/sched"
)

func ExampleScheduler_Stats() {
	s, err := sched.New(sched.WithoutEnvironment(), sched.WithWorkers(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	ctx := sched.With(context.Background(), s)
	before := s.Stats()
	for range 1000 {
		_, _ = sched.Go(ctx, func(t *sched.Task) (int, error) { return 1, nil }).Await(ctx)
	}
	now := s.Stats()
	fmt.Println("tasks:", now.Tasks-before.Tasks)
	wait := now.QueueWait.Since(before.QueueWait) // of one task in sixty-four
	fmt.Println("half of them began within a second:", wait.Quantile(0.5) < time.Second)
	// Output:
	// tasks: 1000
	// half of them began within a second: true
}

func ExampleScheduler_Var() {
	s, err := sched.New(sched.WithoutEnvironment(), sched.WithWorkers(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	v := s.Var() // expvar.Publish("pinwheel", s.Var())
	fmt.Println(json.Valid([]byte(v.String())))
	// Output: true
}

func ExampleScheduler_Resize() {
	s, err := sched.New(sched.WithoutEnvironment(), sched.WithWorkers(1), sched.WithMaxWorkers(4))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	fmt.Println(s.Workers(), s.Resize(4), s.Workers())
	fmt.Println(s.Resize(5))
	// Output:
	// 1 <nil> 4
	// pinwheel: Resize(5): want 1 to 4
}

func ExampleNewTrace() {
	var file bytes.Buffer // usually os.Create("trace.json"), to be opened with https://ui.perfetto.dev
	trace := sched.NewTrace(&file)
	s, err := sched.New(sched.WithoutEnvironment(), sched.WithWorkers(2), sched.WithTrace(trace))
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = sched.For(sched.With(context.Background(), s), 1000, func(int) {})
	fmt.Println(s.Close(), trace.Close(), json.Valid(file.Bytes()))
	// Output: <nil> <nil> true
}

func ExampleWithLogger() {
	plain := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.MessageKey || a.Key == slog.LevelKey {
			return a
		}
		return slog.Attr{} // what differs between machines
	}}
	s, err := sched.New(sched.WithoutEnvironment(), sched.WithWorkers(2), sched.WithLogger(slog.New(slog.NewTextHandler(os.Stdout, plain))))
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = s.Close()
	// Output:
	// level=INFO msg="pinwheel: scheduler made"
	// level=INFO msg="pinwheel: scheduler ended"
}
