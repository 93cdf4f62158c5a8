package sched

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/traceevent"
)

// A Trace writes what schedulers do, as trace-event JSON that https://ui.perfetto.dev opens: a track for each worker, and for each
// goroutine that takes part; on it slices of tasks, of stolen forks, and of sleep; arrows from where a job was stolen to where
// it runs. Forks that are not stolen do not show, because they leave no mark anywhere.
//
// Workers write to memory of their own, from where a goroutine fetches it every few dozen milliseconds. If more happens
// meanwhile than that memory holds, the oldest is lost, and the trace says how much. An event costs some 50 ns.
type Trace struct {
	mu    sync.Mutex
	w     *traceevent.Writer
	last  int // scheduler that has been added
	flows uint64
	ended bool
}

// NewTrace begins a trace. Give it to schedulers by [WithTrace], any number of them, and close it when all are closed.
func NewTrace(w io.Writer) *Trace { return &Trace{w: traceevent.NewWriter(w, false)} }

// WithTrace has a scheduler traced from its beginning to its end. PINWHEEL_TRACE does the same to a file.
func WithTrace(t *Trace) Option {
	return func(c *config) error {
		if t == nil {
			return errors.New("pinwheel: WithTrace(nil): the trace must not be nil")
		}
		c.trace = t
		return nil
	}
}

// Close completes the trace, and returns the first error that writing it has had. Schedulers that still run are cut off.
func (t *Trace) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return nil
	}
	t.ended = true
	return t.w.Close()
}

// Trace records what s does until stop is called, and writes it to w; see [Trace]. It fails if s is being traced already.
func (s *Scheduler) Trace(w io.Writer) (stop func() error, err error) {
	t := NewTrace(w)
	end, err := s.join(t)
	if err != nil {
		return nil, err
	}
	return sync.OnceValue(func() error {
		end()
		return t.Close()
	}), nil
}

// traceEvery is how often events are fetched. A worker's memory holds some 30,000.
const traceEvery = 20 * time.Millisecond

// join adds the scheduler to a trace, until end is called.
func (s *Scheduler) join(t *Trace) (end func(), err error) {
	source := s.pool.StartTrace()
	if source == nil {
		return nil, errors.New("pinwheel: the scheduler is being traced already")
	}
	c := t.add(s, source)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(traceEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				c.fetch(false)
			case <-stop:
				c.fetch(true)
				source.Stop()
				return
			}
		}
	}()
	return func() { close(stop); <-done }, nil
}

// traceFiles are those that PINWHEEL_TRACE names, while schedulers write to them. Schedulers of one process share a file.
var traceFiles = struct {
	sync.Mutex
	open    map[string]*traceFile
	written map[string]bool // by this process: what comes later is added
}{open: map[string]*traceFile{}, written: map[string]bool{}}

type traceFile struct {
	*Trace
	file  *os.File
	users int
}

// openTrace returns the trace in a file, and what to call when the caller needs it no more.
func openTrace(name string) (*Trace, func() error, error) {
	files := &traceFiles
	files.Lock()
	defer files.Unlock()
	f := files.open[name]
	if f == nil {
		var err error
		if f, err = createTrace(name, files.written[name]); err != nil {
			if e := (*fs.PathError)(nil); errors.As(err, &e) {
				err = e.Err // without the name, which may be long
			}
			return nil, nil, fmt.Errorf("pinwheel: PINWHEEL_TRACE=%s is not the name of a file that can be written: %w", quote(name), err)
		}
		files.open[name], files.written[name] = f, true
	}
	f.users++
	return f.Trace, sync.OnceValue(func() error {
		files.Lock()
		defer files.Unlock()
		if f.users--; f.users > 0 {
			return nil
		}
		delete(files.open, name)
		return errors.Join(f.Close(), f.file.Close())
	}), nil
}

func createTrace(name string, again bool) (*traceFile, error) {
	if !again {
		file, err := os.Create(name)
		if err != nil {
			return nil, err
		}
		return &traceFile{Trace: NewTrace(file), file: file}, nil
	}
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	size, err := file.Seek(-int64(len(traceevent.Tail)), io.SeekEnd)
	if err != nil { // somebody has cut it
		size, err = 0, nil
	}
	if e := errors.Join(err, file.Truncate(size)); e != nil {
		return nil, errors.Join(e, file.Close())
	}
	return &traceFile{Trace: &Trace{w: traceevent.NewWriter(file, size > 1), last: 1 << 20}, file: file}, nil
}
