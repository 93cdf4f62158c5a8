// Package web shows in a browser what a scheduler is doing: what each worker does and has done in the last minute, queues, steals,
// waits; and it records a trace for https://ui.perfetto.dev on demand.
//
// It is a package of its own so that programs which do not want it do not contain an HTTP server. Nothing is registered
// anywhere: a program calls [Listen], or puts [Handler] where it likes.
//
// A page that is open asks for a snapshot four times a second. With no page open, nothing is done and nothing is kept.
package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/pinwheel-sched/pinwheel/sched"
)

//go:embed page
var page embed.FS

// Handler returns a handler that shows s:
//
//	GET /                  the page, and its parts below /page/
//	GET /stats             the snapshot that it shows, as JSON
//	GET /trace?seconds=2   records for so long, at most a minute, and answers with the trace
//
// Its paths are relative, so it may stand behind http.StripPrefix. It shows names of functions, and a trace takes some of the
// program's time: do not let strangers reach it.
func Handler(s *sched.Scheduler) http.Handler {
	h := &handler{s: s, start: time.Now()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", h.index)
	mux.Handle("GET /page/", guard(http.FileServerFS(page)))
	mux.HandleFunc("GET /stats", h.stats)
	mux.HandleFunc("GET /trace", h.trace)
	return mux
}

type handler struct {
	s     *sched.Scheduler
	start time.Time
}

// guard has the browser load nothing from elsewhere.
func guard(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; frame-ancestors 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		h.ServeHTTP(w, r)
	})
}

func (h *handler) index(w http.ResponseWriter, r *http.Request) {
	guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, page, "page/page.html")
	})).ServeHTTP(w, r)
}

// A snapshot is what the page gets.
type snapshot struct {
	Now      int64           `json:"now_ns"` // since the handler was made
	Program  string          `json:"program"`
	Process  int             `json:"process"`
	Go       string          `json:"go"`
	Routines int             `json:"goroutines"`
	Settings []sched.Setting `json:"settings"`
	Stats    sched.Stats     `json:"stats"`
}

func (h *handler) stats(w http.ResponseWriter, _ *http.Request) {
	b, err := json.Marshal(snapshot{
		Now: int64(time.Since(h.start)), Program: program(), Process: os.Getpid(), Go: runtime.Version(),
		Routines: runtime.NumGoroutine(), Settings: h.s.Settings(), Stats: h.s.Stats(),
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(b) // who has gone away does not want it
}

const mostSeconds = 60

func (h *handler) trace(w http.ResponseWriter, r *http.Request) {
	seconds := 2.0
	if text := r.FormValue("seconds"); text != "" {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || !(v > 0 && v <= mostSeconds) {
			http.Error(w, fmt.Sprintf("seconds=%.40q: want a number up to %d", text, mostSeconds), http.StatusBadRequest)
			return
		}
		seconds = v
	}
	// Written as it comes, since a minute of a busy scheduler's is too much to keep. The trace says what a slow reader has missed.
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Disposition", `attachment; filename="pinwheel-trace.json"`)
	header.Set("Cache-Control", "no-store")
	stop, err := h.s.Trace(w)
	if err != nil {
		header.Del("Content-Disposition")
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	select {
	case <-time.After(time.Duration(seconds * float64(time.Second))):
	case <-r.Context().Done():
	}
	if err := stop(); err != nil {
		panic(http.ErrAbortHandler) // it has begun, so this is how to say that it is not complete
	}
}
