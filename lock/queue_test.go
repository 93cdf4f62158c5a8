package lock_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/pinwheel-sched/pinwheel/lock"
)

// Everything that was sent is received once, though half of the waits are cancelled.
func TestQueueLosesAndDoublesNothing(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		for _, capacity := range []int{1, 3} {
			q := lock.NewQueue[int64](capacity)
			var sent, received atomic.Int64 // sums
			senders := lock.NewLatch(6)
			for i := range 6 {
				c.start(i, func(ctx context.Context) {
					defer senders.CountDown()
					for k := range 200 {
						x := int64(1)<<uint(6*i) + int64(k)
						if k%2 == 0 {
							c.check(q.Send(ctx, x))
							sent.Add(x)
							continue
						}
						under(ctx, k, func(ctx context.Context) {
							if slot, err := q.Reserve(ctx); err == nil {
								if k%3 == 0 {
									slot.Release()
									return
								}
								slot.Send(x)
								sent.Add(x)
							}
						})
					}
				})
				c.start(i, func(ctx context.Context) {
					for k := 0; ; k++ {
						ended := false
						under(ctx, k, func(cancelled context.Context) {
							if k%2 == 0 {
								cancelled = ctx
							}
							x, err := q.Receive(cancelled)
							if err == nil {
								received.Add(x)
							}
							ended = errors.Is(err, lock.ErrClosed)
						})
						if ended {
							return
						}
					}
				})
			}
			c.check(senders.Wait(background))
			q.Close()
			c.wait()
			if sent.Load() != received.Load() || q.Len() != 0 {
				t.Errorf("sent %d, received %d, left %d", sent.Load(), received.Load(), q.Len())
			}
		}
	})
}

func TestQueueKeepsTheOrder(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		q := lock.NewQueue[int](7)
		c.task(func(ctx context.Context) {
			for i := range 1000 {
				c.check(q.Send(ctx, i))
			}
			q.Close()
		})
		c.goroutine(func(ctx context.Context) {
			want := 0
			for x, err := range q.All(ctx) {
				if c.check(err); x != want {
					t.Errorf("received %d, want %d", x, want)
				}
				want++
			}
			if want != 1000 {
				t.Errorf("received %d", want)
			}
		})
		c.wait()
	})
}

func TestQueueTryAndZeroValue(t *testing.T) {
	var q lock.Queue[string]
	if q.Cap() != 1 {
		t.Errorf("the zero value holds %d", q.Cap())
	}
	if _, ok, err := q.TryReceive(); ok || err != nil {
		t.Errorf("TryReceive of an empty queue: %v, %v", ok, err)
	}
	slot, ok, err := q.TryReserve()
	if !ok || err != nil {
		t.Fatalf("TryReserve: %v, %v", ok, err)
	}
	if ok, err := q.TrySend("x"); ok || err != nil {
		t.Errorf("TrySend while the slot is reserved: %v, %v", ok, err)
	}
	q.Close()
	q.Close()
	if _, ok, err := q.TryReceive(); ok || err != nil {
		t.Errorf("TryReceive while a slot is reserved: %v, %v", ok, err)
	}
	slot.Send("y")
	mustPanic(t, "lock: Slot used twice", slot.Release)
	if x, ok, err := q.TryReceive(); x != "y" || !ok || err != nil {
		t.Errorf("TryReceive: %q, %v, %v", x, ok, err)
	}
	if _, ok, err := q.TryReceive(); ok || err != lock.ErrClosed {
		t.Errorf("TryReceive of a drained queue: %v, %v", ok, err)
	}
	if ok, err := q.TrySend("z"); ok || err != lock.ErrClosed {
		t.Errorf("TrySend to a closed queue: %v, %v", ok, err)
	}
	mustPanic(t, "lock: Queue for less than one element", func() { lock.NewQueue[int](0) })
}

func TestQueueCloseEndsWaits(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		full, empty := lock.NewQueue[int](1), lock.NewQueue[int](1)
		c.check(full.Send(background, 1))
		for i := range 6 {
			c.start(i, func(ctx context.Context) {
				if err := full.Send(ctx, 2); err != lock.ErrClosed {
					t.Errorf("Send: %v", err)
				}
				if _, err := empty.Receive(ctx); err != lock.ErrClosed {
					t.Errorf("Receive: %v", err)
				}
			})
		}
		until(t, "all wait", func() bool { return lock.WaitingToSend(full) == 6 })
		full.Close()
		until(t, "all wait again", func() bool { return lock.WaitingToReceive(empty) == 6 })
		empty.Close()
		c.wait()
	})
}

func TestNotifyRemembersOne(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		var n lock.Notify
		n.One()
		n.One()
		if !n.TryWait() || n.TryWait() {
			t.Error("want one notification kept")
		}
		for i := range 6 {
			c.start(i, func(ctx context.Context) { c.check(n.Wait(ctx)) })
		}
		until(t, "all wait", func() bool { return lock.Waiting(&n) == 6 })
		n.One()
		until(t, "one has gone", func() bool { return lock.Waiting(&n) == 5 })
		n.All()
		c.wait()
		if n.TryWait() {
			t.Error("All keeps a notification")
		}
	})
}

func TestWatchShowsTheLatest(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		var w lock.Watch[int]
		for i := range 6 {
			c.start(i, func(ctx context.Context) {
				last := -1
				for x, err := range w.All(ctx) {
					if c.check(err); x <= last {
						t.Errorf("%d comes after %d", x, last)
					}
					last = x
				}
				if last != 500 {
					t.Errorf("the last value seen is %d", last)
				}
			})
		}
		for i := range 500 {
			w.Set(i + 1)
		}
		w.Close()
		c.wait()
		if _, _, err := w.Next(background, 500); err != lock.ErrClosed {
			t.Errorf("Next: %v", err)
		}
		if x, version, ok := w.TryNext(499); x != 500 || version != 500 || !ok {
			t.Errorf("TryNext: %d, %d, %v", x, version, ok)
		}
		mustPanic(t, "lock: Set of a Watch that is closed", func() { w.Set(1) })
	})
}

func TestBroadcastReachesAllAndTellsLaggards(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		b := lock.NewBroadcast[int](4)
		slow := b.Subscribe()
		for i := range 6 {
			r := b.Subscribe()
			c.start(i, func(ctx context.Context) {
				next := 0
				for x, err := range r.All(ctx) {
					if lagged := new(lock.LaggedError); errors.As(err, &lagged) {
						next += int(lagged.Missed)
						continue
					}
					if x != next {
						t.Errorf("received %d, want %d", x, next)
					}
					next++
				}
				if next != 500 {
					t.Errorf("received or missed %d", next)
				}
			})
		}
		for i := range 500 {
			c.check(b.Send(i))
		}
		b.Close()
		c.wait()
		if _, _, err := slow.TryReceive(); err == nil || err.Error() != "lock: receiver lagged: 496 values missed" {
			t.Errorf("the slow one is told %v", err)
		}
		for i := range 4 {
			if x, err := slow.Receive(background); x != 496+i || err != nil {
				t.Errorf("the slow one receives %d, %v", x, err)
			}
		}
		if _, err := slow.Receive(background); err != lock.ErrClosed {
			t.Errorf("Receive after the last: %v", err)
		}
		if err := b.Send(1); err != lock.ErrClosed {
			t.Errorf("Send: %v", err)
		}
	})
}
