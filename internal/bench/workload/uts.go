package workload

import (
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// uts counts the nodes of an unbalanced tree that nobody can partition beforehand: the number of a node's children comes
// from the SHA-1 hash that is its state. Olivier, Huan, Liu, Prins, Dinan, Sadayappan, Tseng: UTS: an unbalanced tree search
// benchmark, LCPC 2006. The trees are the published samples. "tiny" is not one of them: it has the parameters of T1 at half
// the depth.
var uts = &bench.Workload{
	Name: "uts", Doc: "unbalanced tree search (SHA-1)",
	Size: "tree: " + strings.Join(treeNames(), ", "), Unit: "node", N: "T1", TestN: "tiny",
	Prepare: func(p bench.Params) (bench.Build, error) {
		tree, ok := utsTrees[p.N]
		if !ok {
			return nil, fmt.Errorf("--n %q: want a tree: %s", p.N, strings.Join(treeNames(), ", "))
		}
		return bench.Later(func() *bench.Job { return tree.job() }), nil
	},
}

func (tree *utsTree) job() *bench.Job {
	return &bench.Job{
		Tasks: tree.known.nodes,
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel:   tree.pinwheel,
			bench.Goroutines: tree.goroutines,
			bench.Serial:     tree.serial,
		},
		Verify: bench.Answer(tree.known.String()),
	}
}

var utsTrees = map[string]*utsTree{
	"T1":   {shape: utsFixed, depth: 10, branch: 4, seed: 19, known: census{4130071, 3305118, 10}},
	"T1L":  {shape: utsFixed, depth: 13, branch: 4, seed: 29, known: census{102181082, 81746377, 13}},
	"T2":   {shape: utsCyclic, depth: 16, branch: 6, seed: 502, known: census{4117769, 2342762, 81}},
	"T3":   {shape: utsBinomial, branch: 2000, children: 8, probability: 0.124875, seed: 42, known: census{4112897, 3599034, 1572}},
	"tiny": {shape: utsFixed, depth: 5, branch: 4, seed: 19, known: census{3987, 3232, 5}},
}

func treeNames() []string { return slices.Sorted(maps.Keys(utsTrees)) }

type utsShape int

const (
	utsFixed    utsShape = iota // children distributed geometrically, with the same mean down to a depth
	utsCyclic                   // the same, with a mean that swings with the depth
	utsBinomial                 // many children or none
)

type utsTree struct {
	shape       utsShape
	depth       int     // geometric: of the tree (fixed), of a fifth of it (cyclic)
	branch      float64 // geometric: mean number of children; binomial: number at the root
	children    int     // binomial
	probability float64 // binomial
	seed        uint32
	known       census
}

// A node is its hash and depth. The hash is kept in words, not as an array, so that a node is passed in registers; in memory
// a copy of it would be read in other pieces than it was written in, for which a CPU waits until the writes have left its
// store buffer. That is longer than a fork takes.
type utsNode struct {
	hi, mid   uint64
	lo, depth uint32
}

func newNode(hash [sha1.Size]byte, depth uint32) utsNode {
	return utsNode{
		hi: binary.BigEndian.Uint64(hash[:]), mid: binary.BigEndian.Uint64(hash[8:]), lo: binary.BigEndian.Uint32(hash[16:]),
		depth: depth,
	}
}

func (tree *utsTree) root() utsNode {
	var b [sha1.Size]byte
	binary.BigEndian.PutUint32(b[16:], tree.seed)
	return newNode(sha1.Sum(b[:]), 0)
}

// child returns the i-th child of a node.
func (n utsNode) child(i int) utsNode {
	var b [sha1.Size + 4]byte
	binary.BigEndian.PutUint64(b[:], n.hi)
	binary.BigEndian.PutUint64(b[8:], n.mid)
	binary.BigEndian.PutUint32(b[16:], n.lo)
	binary.BigEndian.PutUint32(b[sha1.Size:], uint32(i))
	return newNode(sha1.Sum(b[:]), n.depth+1)
}

// uniform returns the node's random number in [0, 1).
func (n utsNode) uniform() float64 { return float64(n.lo&math.MaxInt32) / (1 << 31) }

func (tree *utsTree) childrenOf(n utsNode) int {
	const most = 100 // of any node but a binomial root
	mean := tree.branch
	depth, limit := int(n.depth), tree.depth
	switch {
	case tree.shape == utsBinomial && depth == 0:
		return int(tree.branch)
	case tree.shape == utsBinomial:
		if n.uniform() < tree.probability {
			return tree.children
		}
		return 0
	case tree.shape == utsFixed && depth >= limit, depth > 5*limit:
		return 0
	case tree.shape == utsCyclic && depth > 0:
		mean = math.Pow(tree.branch, math.Sin(2*math.Pi*float64(depth)/float64(limit)))
	}
	// The inverse of the geometric distribution with p = 1/(1+mean).
	k := math.Floor(math.Log(1-n.uniform()) / math.Log(1-1/(1+mean)))
	return min(int(k), most)
}

// A census is what the search finds below a node.
type census struct{ nodes, leaves, depth int64 }

func (c census) add(d census) census {
	return census{c.nodes + d.nodes, c.leaves + d.leaves, max(c.depth, d.depth)}
}

func (c census) String() string {
	return fmt.Sprintf("%d nodes, %d leaves, depth %d", c.nodes, c.leaves, c.depth)
}

// of returns the census of the node alone.
func (n utsNode) census(children int) census {
	c := census{nodes: 1, depth: int64(n.depth)}
	if children == 0 {
		c.leaves = 1
	}
	return c
}

// A family is the argument of a fork: children of a node that are still to be searched, all up to the last. It has no pointer
// to the tree, because more than four words would not be passed in registers. The forked function is a method of the tree
// instead.
type family struct {
	parent utsNode
	last   int
}

var families = sched.NewFork[family, census]()

// utsTasks searches a tree by tasks.
type utsTasks struct {
	*utsTree
	rest func(*sched.Task, family) census // siblings, once and for all
}

func (tree *utsTree) pinwheel(r *bench.Run) (string, error) {
	s := &utsTasks{utsTree: tree}
	s.rest = s.siblings
	c, err := sched.Run(r.Context, func(t *sched.Task) (census, error) { return s.visit(t, tree.root()), nil })
	return c.String(), err
}

func (s *utsTasks) visit(t *sched.Task, n utsNode) census {
	children := s.childrenOf(n)
	c := n.census(children)
	if children > 0 {
		c = c.add(s.siblings(t, family{n, children - 1}))
	}
	return c
}

// siblings visits the last child, while the others are a fork, and goes on with those that nobody has stolen. So a thief gets
// what is left of a family, near the root most of the tree.
func (s *utsTasks) siblings(t *sched.Task, f family) census {
	var c census
	for ; f.last > 0; f.last-- {
		others := families.Fork(t, s.rest, family{f.parent, f.last - 1})
		c = c.add(s.visit(t, f.parent.child(f.last)))
		if !others.Reclaim(t) {
			return c.add(others.Join(t))
		}
	}
	return c.add(s.visit(t, f.parent.child(0)))
}

// A utsSearch is a search by goroutines. A child gets one while fewer than a few for each worker run, which keeps all of
// them at work whatever the tree looks like.
type utsSearch struct {
	*utsTree
	*budget
	wg    sync.WaitGroup
	mu    sync.Mutex
	found census // by the goroutines that have ended
}

func (tree *utsTree) goroutines(r *bench.Run) (string, error) {
	s := &utsSearch{utsTree: tree, budget: newBudget(4 * r.Workers)}
	c := s.visit(tree.root())
	s.wg.Wait()
	return c.add(s.found).String(), nil
}

// visit returns the census of what it did not leave to other goroutines.
func (s *utsSearch) visit(n utsNode) census {
	children := s.childrenOf(n)
	c := n.census(children)
	for i := range children {
		child := n.child(i)
		if s.take() {
			s.start(child)
		} else {
			c = c.add(s.visit(child))
		}
	}
	return c
}

func (s *utsSearch) start(n utsNode) {
	s.wg.Go(func() {
		c := s.visit(n)
		s.free.Inc()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.found = s.found.add(c)
	})
}

func (tree *utsTree) serial(*bench.Run) (string, error) {
	return tree.search(tree.root()).String(), nil
}

func (tree *utsTree) search(n utsNode) census {
	children := tree.childrenOf(n)
	c := n.census(children)
	for i := range children {
		c = c.add(tree.search(n.child(i)))
	}
	return c
}
