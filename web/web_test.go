package web_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pinwheel-sched/pinwheel/sched"
	"github.com/pinwheel-sched/pinwheel/web"
)

func scheduler(t *testing.T) (*sched.Scheduler, context.Context) {
	t.Helper()
	s, err := sched.New(sched.WithoutEnvironment(), sched.WithWorkers(2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, sched.With(context.Background(), s)
}

func get(t *testing.T, h http.Handler, path string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRecorder()
	h.ServeHTTP(r, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
	body, err := io.ReadAll(r.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.Result(), string(body)
}

func TestTheHandlerAnswersWithPageSnapshotAndTrace(t *testing.T) {
	s, ctx := scheduler(t)
	if _, err := sched.Run(ctx, func(*sched.Task) (int, error) { return 1, nil }); err != nil {
		t.Fatal(err)
	}
	h := web.Handler(s)
	for path, want := range map[string]string{"/": "<title>pinwheel", "/page/page.js": "use strict", "/page/page.css": "canvas"} {
		r, body := get(t, h, path)
		if r.StatusCode != http.StatusOK || !strings.Contains(body, want) || !strings.Contains(r.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("GET %s: %s, policy %q", path, r.Status, r.Header.Get("Content-Security-Policy"))
		}
	}
	var shot struct {
		Stats    struct{ Tasks, Workers int }
		Settings []sched.Setting
	}
	r, body := get(t, h, "/stats")
	if err := json.Unmarshal([]byte(body), &shot); err != nil || shot.Stats.Tasks != 1 || shot.Stats.Workers != 2 || len(shot.Settings) == 0 {
		t.Errorf("GET /stats: %s, %v: %.300s", r.Status, err, body)
	}
	r, body = get(t, h, "/trace?seconds=0.01")
	var events []any
	if err := json.Unmarshal([]byte(body), &events); err != nil || len(events) == 0 || !strings.Contains(r.Header.Get("Content-Disposition"), "pinwheel-trace.json") {
		t.Errorf("GET /trace: %s, %v: %.300s", r.Status, err, body)
	}
}

// An impatient reader goes away when the first events have come. (If they came at the end, that would be in a minute.)
func TestATraceIsWrittenAsItComes(t *testing.T) {
	s, ctx := scheduler(t)
	request, leave := context.WithCancel(t.Context())
	defer leave()
	body := &impatient{ResponseRecorder: httptest.NewRecorder(), leave: leave}
	over := make(chan struct{})
	go func() {
		defer close(over)
		web.Handler(s).ServeHTTP(body, httptest.NewRequestWithContext(request, http.MethodGet, "/trace?seconds=60", http.NoBody))
	}()
	for request.Err() == nil {
		if _, err := sched.Go(ctx, func(*sched.Task) (int, error) { return 1, nil }).Await(ctx); err != nil {
			t.Fatal(err)
		}
	}
	<-over
	if text := body.Body.String(); !strings.Contains(text, `"ph":"X"`) {
		t.Errorf("before its end the trace had %.300q", text)
	}
}

type impatient struct {
	*httptest.ResponseRecorder
	leave func()
}

func (w *impatient) Write(b []byte) (int, error) {
	if strings.Contains(string(b), `"ph":"X"`) {
		w.leave()
	}
	return w.ResponseRecorder.Write(b)
}

func TestRequestsThatMakeNoSenseAreRefused(t *testing.T) {
	s, _ := scheduler(t)
	h := web.Handler(s)
	for _, seconds := range []string{"0", "-1", "61", "many", "NaN", "1e300", strings.Repeat("9", 1<<16)} {
		if r, body := get(t, h, "/trace?seconds="+seconds); r.StatusCode != http.StatusBadRequest || len(body) > 200 {
			t.Errorf("seconds=%.20s: %s, %d bytes", seconds, r.Status, len(body))
		}
	}
	if r, _ := get(t, h, "/elsewhere"); r.StatusCode != http.StatusNotFound {
		t.Errorf("another path: %s", r.Status)
	}
	var sink strings.Builder
	stop, err := s.Trace(&sink)
	if err != nil {
		t.Fatal(err)
	}
	if r, _ := get(t, h, "/trace?seconds=0.01"); r.StatusCode != http.StatusConflict {
		t.Errorf("a second trace: %s", r.Status)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

func TestTheServerIsForThisMachineAndLeavesNothingOnTheDefaultOne(t *testing.T) {
	s, _ := scheduler(t)
	w, err := web.Listen(s, "")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(w.URL(), "http://127.0.0.1:") {
		t.Errorf("the server is at %s", w.URL())
	}
	for host, want := range map[string]int{"": http.StatusOK, "localhost:80": http.StatusOK, "example.com": http.StatusForbidden} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL()+"stats", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("host %q: %s, want %d", host, answer.Status, want)
		}
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	for _, addr := range []string{"nonsense", "127.0.0.1:999999", "256.0.0.1:0"} {
		if w, err := web.Listen(s, addr); err == nil {
			t.Errorf("address %q is accepted", addr)
			_ = w.Close()
		}
	}
	if _, pattern := http.DefaultServeMux.Handler(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/stats", http.NoBody)); pattern != "" {
		t.Errorf("the default server has %q", pattern)
	}
}
