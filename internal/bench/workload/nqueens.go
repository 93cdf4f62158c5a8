package workload

import (
	"context"
	"sync"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// nqueens counts the ways to place n queens, one task a safe placement. It checks a placement against each queen before it,
// as the classic benchmark does.
var nqueens = &bench.Workload{
	Name: "nqueens", Doc: "number of solutions of the n queens problem",
	Size: "n", Unit: "placement", N: "11", TestN: "7",
	Prepare: func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(1, len(queensKnown))
		if err != nil {
			return nil, err
		}
		return bench.Later(func() *bench.Job { return queensJob(n) }), nil
	},
}

func queensJob(n int) *bench.Job {
	empty := board{size: int8(n)}
	return &bench.Job{
		Tasks: int64(countPlacements(empty)),
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel: number(func(ctx context.Context) (int, error) {
				return sched.Run(ctx, func(t *sched.Task) (int, error) { return queensTask(t, placements{empty, 0}), nil })
			}),
			bench.Goroutines: number(func(context.Context) (int, error) { return queensGoroutines(empty), nil }),
			bench.Serial:     number(func(context.Context) (int, error) { return queensSerial(empty), nil }),
		},
		Verify: bench.Answer(decimal(queensKnown[n-1])),
	}
}

// queensKnown are the published numbers of solutions for n = 1, 2, ... (OEIS A000170).
var queensKnown = [...]int{1, 0, 0, 2, 10, 4, 40, 92, 352, 724, 2680, 14200, 73712, 365596, 2279184, 14772512}

// A board has a queen in each of its first rows. Their columns take four bits each, those of the last row the lowest: a board
// is passed in registers.
type board struct {
	columns    uint64
	rows, size int8
}

// safe says whether a queen in the column of the next row is attacked by none.
func (b board) safe(column int8) bool {
	queens := b.columns
	for distance := int8(1); distance <= b.rows; distance++ {
		d := int8(queens&15) - column
		if d == 0 || d == distance || d == -distance {
			return false
		}
		queens >>= 4
	}
	return true
}

// next returns the first safe column of the next row that is not before the given one, or b.size.
func (b board) next(column int8) int8 {
	for column < b.size && !b.safe(column) {
		column++
	}
	return column
}

// with returns the board with one more queen.
func (b board) with(column int8) board {
	return board{b.columns<<4 | uint64(column), b.rows + 1, b.size}
}

// Placements are the argument of a fork: those in the next row of a board, from a column on.
type placements struct {
	board
	column int8
}

var rows = sched.NewFork[placements, int]()

// queensTask counts the solutions with a placement in a column, while those in the columns after it are a fork, and goes on with them
// if nobody has stolen it.
func queensTask(t *sched.Task, p placements) int {
	if p.rows == p.size {
		return 1
	}
	sum := 0
	for c := p.next(p.column); c < p.size; c = p.next(c + 1) {
		others := rows.Fork(t, queensTask, placements{p.board, c + 1})
		sum += queensTask(t, placements{p.with(c), 0})
		if !others.Reclaim(t) {
			return sum + others.Join(t)
		}
	}
	return sum
}

// queensGoroutines starts a goroutine for each placement in the first rows, which makes hundreds of them of fair sizes, and
// recurses below.
func queensGoroutines(b board) int {
	const forkRows = 3
	if b.rows >= forkRows || b.rows == b.size {
		return queensSerial(b)
	}
	var (
		wg     sync.WaitGroup
		counts [len(queensKnown)]int
	)
	for c := b.next(0); c < b.size; c = b.next(c + 1) {
		wg.Go(func() { counts[c] = queensGoroutines(b.with(c)) })
	}
	wg.Wait()
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return sum
}

func queensSerial(b board) int {
	if b.rows == b.size {
		return 1
	}
	sum := 0
	for c := b.next(0); c < b.size; c = b.next(c + 1) {
		sum += queensSerial(b.with(c))
	}
	return sum
}

func countPlacements(b board) int {
	if b.rows == b.size {
		return 1
	}
	n := 1
	for c := b.next(0); c < b.size; c = b.next(c + 1) {
		n += countPlacements(b.with(c))
	}
	return n
}
