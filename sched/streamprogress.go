package sched

import "time"

// Progress is how far a stream has come.
type Progress struct {
	In       uint64        // items that were pulled from the source
	Out      uint64        // results that were taken, those of dropped items included
	InFlight uint64        // In less Out
	Rate     float64       // of Out, in items a second, since the last report
	Elapsed  time.Duration // since the beginning
	Done     bool          // this is the last report
}

// OnProgress calls f at the given interval, and once at the end of the stream, before the loop ends. The calls are made one
// after the other; those at intervals on a goroutine of their own, so a slow f holds up nothing but the end. For stages that
// follow each other the figures are those of all of them together. It panics if f is nil or the interval not positive.
func OnProgress(every time.Duration, f func(p Progress)) StreamOption {
	if f == nil || every <= 0 {
		panic("pinwheel: OnProgress with a nil function or no interval")
	}
	return StreamOption{func(o *streamOptions) { o.progress = append(o.progress, progressHook{every, f}) }}
}

type progressHook struct {
	every time.Duration
	f     func(p Progress)
}

// meter starts the reports of progress. They count as something that runs until the last one has been made.
func (f *flow) meter() {
	for _, h := range f.options.progress {
		f.live.Add(1)
		go h.run(f, f.ctx.Done())
	}
}

func (h progressHook) run(f *flow, done <-chan struct{}) {
	defer f.leave()
	defer func() {
		if r := recover(); r != nil {
			f.stop(recovered(r))
		}
	}()
	ticks := time.NewTicker(h.every)
	defer ticks.Stop()
	begin := time.Now()
	for last := (Progress{}); !last.Done; {
		select {
		case <-ticks.C:
		case <-done:
			last.Done = true
		}
		p := Progress{Out: f.freed.Load(), Elapsed: time.Since(begin), Done: last.Done}
		p.In = max(f.pulled.Load(), p.Out)
		p.InFlight = p.In - p.Out
		p.Rate = float64(p.Out-last.Out) / max(p.Elapsed-last.Elapsed, time.Nanosecond).Seconds()
		h.f(p)
		last = p
	}
}
