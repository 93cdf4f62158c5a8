//go:build mc

package deque

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/pinwheel-sched/pinwheel/internal/mc"
)

// A scenario is what an exploration lets the threads do to one deque.
type scenario struct {
	capacity int
	index    uint64
	before   string // what the owner does before the thieves start: u pushes, o pops
	owner    string // what it does beside them
	thieves  int
	steals   int // attempts of each thief
}

// A game is one run of a scenario. Its elements are numbered in the order in which they are pushed.
type game struct {
	r        *mc.Run
	owner    Owner[int]
	thief    Thief[int]
	elements [32]int
	pushed   int
	mine     []int   // pushed and not popped; thieves have some of the first
	taken    [32]int // how often
}

func (s scenario) play(r *mc.Run) {
	g := &game{r: r}
	g.owner, g.thief = newAt[int](s.capacity, s.index)
	d := g.owner.d
	r.Name(&d.bottom, "bottom")
	r.Name(&d.top, "top")
	r.Name(&d.ring, "ring")
	for i := range g.elements {
		r.Name(&g.elements[i], "element "+strconv.Itoa(i))
	}
	g.own(s.before)
	r.Go("owner", func() { g.own(s.owner) })
	for range s.thieves {
		r.Go("thief", func() { g.steal(s.steals) })
	}
	r.Finally(g.check)
}

func (g *game) own(moves string) {
	for _, move := range moves {
		if move == 'u' {
			g.push()
		} else {
			g.pop()
		}
	}
}

func (g *game) push() {
	n := g.pushed
	g.pushed++
	g.elements[n] = n
	g.mine = append(g.mine, n)
	g.owner.Push(&g.elements[n])
}

func (g *game) pop() {
	x := g.owner.Pop()
	if x == nil {
		for _, n := range g.mine {
			if g.taken[n] == 0 {
				g.r.Fatalf("nothing to pop, though nobody has taken %d", n)
			}
		}
		g.mine = nil
		return
	}
	g.take(x)
	last := len(g.mine) - 1
	if last < 0 || *x != g.mine[last] {
		g.r.Fatalf("popped %d of %v", *x, g.mine)
	}
	g.mine = g.mine[:last]
}

func (g *game) steal(attempts int) {
	last := -1
	for range attempts {
		x, status := g.thief.Steal()
		if (x != nil) != (status == OK) {
			g.r.Fatalf("stole %v, with status %v", x, status)
		}
		if x != nil {
			g.take(x)
			if *x <= last {
				g.r.Fatalf("stole %d after %d", *x, last)
			}
			last = *x
		}
	}
}

func (g *game) take(x *int) {
	if g.taken[*x]++; g.taken[*x] > 1 {
		g.r.Fatalf("element %d is taken twice", *x)
	}
}

// check empties the deque and looks for losses.
func (g *game) check() {
	for x := g.owner.Pop(); x != nil; x = g.owner.Pop() {
		g.take(x)
	}
	for n := range g.pushed {
		if g.taken[n] != 1 {
			g.r.Fatalf("element %d is lost", n)
		}
	}
	if n := g.owner.d.held(); n != 0 {
		g.r.Fatalf("the empty ring still points to %d elements", n)
	}
}

// held counts the slots that point to something.
func (d *deque[T]) held() int {
	n := 0
	for i := range d.slots {
		if d.slots[i].Load() != nil {
			n++
		}
	}
	return n
}

func (s scenario) explore(t *testing.T) {
	t.Helper()
	mc.Explore(t, mc.Config{Preemptions: 3}, s.play)
}

// As long as the thief leaves an element, the deque is not empty, however the last element changes.
func TestExploreEmptyOverlooksNothing(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
		owner, thief := New[int](2)
		elements := 1
		owner.Push(new(int))
		r.Go("owner", func() {
			for range 2 {
				owner.Push(new(int))
				elements++
			}
		})
		r.Go("thief", func() {
			for range 2 {
				if elements > 1 {
					thief.Steal()
					elements--
				}
			}
		})
		r.Go("observer", func() {
			if thief.Empty() {
				r.Fatalf("empty, while there were always elements")
			}
		})
	})
}

func TestExploreOneElement(t *testing.T) {
	scenario{capacity: 2, owner: "ououo", thieves: 2, steals: 2}.explore(t)
}

func TestExploreTwoElements(t *testing.T) {
	scenario{capacity: 2, before: "u", owner: "uoou", thieves: 2, steals: 2}.explore(t)
}

// With the slack used up at the top, the next steal makes the owner clear, in a ring whose slots are all reused.
func TestExploreClearingWhatWasStolen(t *testing.T) {
	scenario{capacity: 2, before: strings.Repeat("uo", slack) + "uu", owner: "uoo", thieves: 2, steals: 2}.explore(t)
}

// The ring of 16 holds two elements when the owner pops and the slack is used up: it takes a smaller ring.
func TestExploreShrinking(t *testing.T) {
	before := strings.Repeat("u", 2+slack) + strings.Repeat("o", slack)
	scenario{capacity: 1, before: before, owner: "ouou", thieves: 2, steals: 2}.explore(t)
}

// With six elements it keeps the ring, and clears the slots of what it has popped.
func TestExploreClearingWhatWasPopped(t *testing.T) {
	before := strings.Repeat("u", 6+slack) + strings.Repeat("o", slack)
	scenario{capacity: 1, before: before, owner: "ouo", thieves: 2, steals: 2}.explore(t)
}

func TestExploreGrowing(t *testing.T) {
	scenario{capacity: 2, owner: "uuuouo", thieves: 2, steals: 2}.explore(t)
}

// The ring of 2 grows at the third push, when a thief may hold the old one and an index that is new.
func TestExploreGrowingAfterSteals(t *testing.T) {
	scenario{capacity: 2, before: "uu", owner: "uuu", thieves: 2, steals: 3}.explore(t)
}

func TestExploreIndicesThatWrapAround(t *testing.T) {
	for _, index := range []uint64{math.MaxUint64, math.MaxUint64 - 1, math.MaxInt64} {
		scenario{capacity: 2, index: index, owner: "uuuoo", thieves: 2, steals: 2}.explore(t)
	}
}
