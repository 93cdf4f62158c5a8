package workload

import (
	"fmt"
	"math"
	"strconv"
	"sync"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// integrate is adaptive quadrature: an interval is halved until halving it changes the area by less than a tolerance, so the
// recursion is deeper where the curve is steeper.
var integrate = &bench.Workload{
	Name: "integrate", Doc: "area under x^3+x from 0 to n, adaptive trapezoids",
	Size: "n", Unit: "interval", N: "500", SuiteN: "200", TestN: "20",
	Prepare: func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(1, 100_000)
		if err != nil {
			return nil, err
		}
		return bench.Later(func() *bench.Job { return integrateJob(n) }), nil
	},
}

func integrateJob(n int) *bench.Job {
	whole := newInterval(0, float64(n))
	body := func(area func(r *bench.Run) (float64, error)) bench.Body {
		return func(r *bench.Run) (string, error) {
			x, err := area(r)
			r.Stop()
			return strconv.FormatFloat(x, 'g', 17, 64), err
		}
	}
	intervals := whole.count()
	return &bench.Job{
		Tasks: intervals,
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel: body(func(r *bench.Run) (float64, error) {
				return sched.Run(r.Context, func(t *sched.Task) (float64, error) { return areaTask(t, whole), nil })
			}),
			bench.Goroutines: body(func(r *bench.Run) (float64, error) { return whole.goroutines(4 * r.Workers), nil }),
			bench.Serial:     body(func(*bench.Run) (float64, error) { return whole.serial(), nil }),
		},
		Verify: func(answer string) error {
			exact := math.Pow(float64(n), 4)/4 + math.Pow(float64(n), 2)/2
			tolerance := areaTolerance*float64(intervals) + exact*1e-12
			got, err := strconv.ParseFloat(answer, 64)
			if err != nil || !(math.Abs(got-exact) <= tolerance) {
				return fmt.Errorf("wrong answer %s, want %g within %g", answer, exact, tolerance)
			}
			return nil
		},
	}
}

// areaTolerance is the change of area at which an interval is not halved again.
const areaTolerance = 1e-9

// An interval is a piece of the curve between two points and the area of the trapezoid under them.
type interval struct{ x1, y1, x2, y2, area float64 }

func curve(x float64) float64 { return x*x*x + x }

func newInterval(x1, x2 float64) interval {
	y1, y2 := curve(x1), curve(x2)
	return interval{x1, y1, x2, y2, (y1 + y2) / 2 * (x2 - x1)}
}

// halves returns both halves, and whether they are so close to the whole that it is done.
func (v interval) halves() (left, right interval, done bool) {
	x := (v.x1 + v.x2) / 2
	y := curve(x)
	left = interval{v.x1, v.y1, x, y, (v.y1 + y) / 2 * (x - v.x1)}
	right = interval{x, y, v.x2, v.y2, (y + v.y2) / 2 * (v.x2 - x)}
	return left, right, math.Abs(left.area+right.area-v.area) < areaTolerance
}

var intervals = sched.NewFork[interval, float64]()

func areaTask(t *sched.Task, v interval) float64 {
	left, right, done := v.halves()
	if done {
		return left.area + right.area
	}
	f := intervals.Fork(t, areaTask, left)
	r := areaTask(t, right)
	return f.Join(t) + r
}

// goroutines starts one for each of about so many equal pieces, a few for each worker since the pieces are not equal in work.
func (v interval) goroutines(pieces int) float64 {
	left, right, done := v.halves()
	if pieces <= 1 || done {
		return v.serial()
	}
	var (
		wg sync.WaitGroup
		l  float64
	)
	wg.Go(func() { l = left.goroutines(pieces / 2) })
	r := right.goroutines(pieces - pieces/2)
	wg.Wait()
	return l + r
}

func (v interval) serial() float64 {
	left, right, done := v.halves()
	if done {
		return left.area + right.area
	}
	return left.serial() + right.serial()
}

func (v interval) count() int64 {
	left, right, done := v.halves()
	if done {
		return 1
	}
	return left.count() + right.count() + 1
}
