/*
 * The deque of package deque, one step per atomic operation, in a sequentially consistent memory.
 *
 * The owner makes MOVES moves, each a push or a pop as it likes, and then pops until the deque is empty. THIEVES thieves make
 * STEALS attempts each. Every order of steps is tried. Every element that is pushed must be taken exactly once.
 *
 * Indices are bytes, so that they wrap around, and start just before that. Sizes are scaled down: the ring has 2 slots, or 4;
 * it shrinks when less than half full, and at most SLACK slots of taken elements stay uncleared on either side.
 *
 * Each line that the protocol rests on can be broken by defining one of the names MUTANT_*; check.sh shows that the property
 * is then violated. So the model says why each line is there, and is known to be able to say so.
 */

#ifndef MOVES
#define MOVES 4
#endif
#ifndef THIEVES
#define THIEVES 2
#endif
#ifndef STEALS
#define STEALS 2
#endif
#define START 254
#define LEAST 2
#define SLOTS 4           /* of the largest ring */
#define RINGS (MOVES + 2) /* rings are never reused */
#define SLACK 1

byte top = START, bottom = START, ring = 0;
byte slots[RINGS * SLOTS];
byte capacity[RINGS];

byte pushed = 0;          /* elements are 1, 2, ... */
byte taken[MOVES + 1];    /* how often */
byte finished = 0;        /* thieves */

#define SLOT(r, i) slots[(r) * SLOTS + ((i) & (capacity[r] - 1))]
#define DISTANCE(b, t) (((b) - (t)) & 255)
#ifdef MUTANT_UNSIGNED
#define NONE(b, t) ((b) < (t))
#else
#define NONE(b, t) (DISTANCE(b, t) >= 128) /* b - t < 0 */
#endif

inline take(x) {
	assert(x != 0);
	taken[x]++;
	assert(taken[x] == 1)
}

proctype thief() {
	byte t, b, r, x, attempt;
	bool won;
	do
	:: attempt == STEALS -> break
	:: attempt < STEALS ->
		attempt++;
#ifdef MUTANT_RING_BEFORE_INDICES
		r = ring;
#endif
#ifdef MUTANT_BOTTOM_BEFORE_TOP
		b = bottom;
		t = top;
#else
		t = top;
		b = bottom;
#endif
		if
		:: NONE(b, t) || b == t -> skip
		:: else ->
#ifndef MUTANT_RING_BEFORE_INDICES
			r = ring;
#endif
#ifndef MUTANT_SLOT_AFTER_TOP
			x = SLOT(r, t);
#endif
#ifdef MUTANT_STEAL_WITHOUT_CAS
			d_step { won = true; top = t + 1 };
#else
			d_step { won = (top == t); top = (won -> t + 1 : top) };
#endif
			if
			:: won ->
#ifdef MUTANT_SLOT_AFTER_TOP
				x = SLOT(r, t);
#endif
#ifdef MUTANT_THIEF_CLEARS
				SLOT(r, t) = 0;
#endif
				d_step { take(x) }
			:: else -> skip
			fi
		fi;
		d_step { t = 0; b = 0; r = 0; x = 0; won = false }
	od;
	finished++
}

/* What the owner alone knows. */
byte own, rings = 1, topSeen = START, low = START, high = START;

inline moveTo(c, t0, b0) {
	d_step { /* nobody knows the new ring yet */
		capacity[rings] = c;
		i = t0;
		do
		:: i != (b0) -> SLOT(rings, i) = SLOT(own, i); i++
		:: else -> break
		od;
		i = 0
	};
#ifdef MUTANT_OLD_RING_REUSED
	clear(t0, b0);
#endif
#ifndef MUTANT_RING_NOT_PUBLISHED
	ring = rings;
#endif
	d_step {
#ifndef MUTANT_OWNER_KEEPS_RING
		own = rings;
#endif
		rings++;
		topSeen = t0;
		low = t0;
		high = b0
	}
}

inline clear(from, to) {
	i = from;
	do
	:: i != (to) -> SLOT(own, i) = 0; i++
	:: else -> break
	od
}

inline tidy(t0, b0, keep) {
	if
	:: capacity[own] > LEAST && DISTANCE(b0, t0) < capacity[own] / 2 -> moveTo(capacity[own] / 2, t0, b0)
	:: else ->
		if
		:: DISTANCE(t0, low) > keep ->
#ifndef MUTANT_CLEAR_REUSED
			low = (DISTANCE(b0, low) > capacity[own] -> (b0) - capacity[own] : low);
#endif
#ifdef MUTANT_CLEAR_TOP
			clear(low, (t0 + 1) & 255);
#else
			clear(low, t0);
#endif
			low = t0
		:: else -> skip
		fi;
		if
		:: DISTANCE(high, b0) > keep ->
#ifdef MUTANT_CLEAR_BOTTOM
			clear((b0 - 1) & 255, high);
#else
			clear(b0, high);
#endif
			high = b0
		:: else -> skip
		fi
	fi
}

inline push() {
	b = bottom;
	if
	:: DISTANCE(b, topSeen) >= capacity[own] ->
		topSeen = top;
		if
		:: DISTANCE(b, topSeen) >= capacity[own] -> moveTo(2 * capacity[own], topSeen, b)
		:: else -> skip
		fi
	:: else -> skip
	fi;
	pushed++;
#ifdef MUTANT_BOTTOM_BEFORE_SLOT
	bottom = b + 1;
#endif
	SLOT(own, b) = pushed;
	high = (b == high -> b + 1 : high);
	bottom = b + 1
}

/* Leaves the element in x, or 0. */
inline pop() {
	x = 0;
	b = bottom - 1;
	t = top;
	do
	:: b == t -> /* a single one: take it as a thief would */
		x = SLOT(own, t);
#ifdef MUTANT_POP_WITHOUT_CAS
		top = t + 1;
#else
		d_step { x = (top == t -> x : 0); top = t + 1 }; /* only a thief can have moved it, and then to t + 1 */
#endif
		t++;
		tidy(t, t, (x == 0 -> 0 : SLACK));
		break
	:: b != t && NONE(b, t) ->
		tidy(t, (b + 1) & 255, 0);
		break
	:: b != t && !NONE(b, t) ->
		bottom = b;
#ifndef MUTANT_TOP_BEFORE_CLAIM
		t = top;
#endif
		if
#ifdef MUTANT_NO_RACE_FOR_LAST
		:: DISTANCE(b, t) >= 128 ->
#else
		:: DISTANCE(b, t) >= 128 || b == t ->
#endif
#ifndef MUTANT_CLAIM_KEPT
			bottom = b + 1;
#endif
			b = bottom - 1; /* once more, on one element or none */
			t = top
		:: else ->
			x = SLOT(own, b);
#ifdef HARMLESS_OWNER_CLEARS
			SLOT(own, b) = 0;
#endif
			if
			:: DISTANCE(t, low) > SLACK || DISTANCE(high, b) > SLACK -> tidy(t, b, SLACK)
			:: else -> skip
			fi;
			break
		fi
	od
}

inline forget() { d_step { b = 0; t = 0; i = 0 } } /* what is of no use any more, so that states are alike */

inline popAndTake() {
	pop();
	if
	:: x != 0 -> d_step { take(x) }
	:: else -> skip
	fi;
	forget()
}

inline popAll() {
	do
	:: popAndTake(); if :: x == 0 -> break :: else -> x = 0 fi
	od
}

proctype owner() {
	byte t, b, x, i, moves;
	do
	:: moves < MOVES && DISTANCE(bottom, top) < SLOTS -> moves++; push(); forget()
	:: moves < MOVES -> moves++; popAndTake(); x = 0
	:: moves == MOVES -> break
	od;
	popAll();
	finished == THIEVES;
	popAndTake();
	assert(x == 0 && bottom == top);
	d_step {
		i = 1;
		do
		:: i <= pushed -> assert(taken[i] == 1); i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < capacity[own] -> assert(SLOT(own, i) == 0); i++
		:: else -> break
		od;
		i = 0
	}
}

init {
	atomic {
		capacity[0] = LEAST;
		byte n;
		for (n : 1 .. THIEVES) { run thief() }
		run owner()
	}
}
