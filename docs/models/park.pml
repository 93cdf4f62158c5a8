/*
 * How workers park and are woken, one step per atomic operation, in a sequentially consistent memory.
 *
 * The submitter puts JOBS jobs into the injector, one after the other, ROUNDS times, each time after the last round is over.
 * A worker that takes a job from the injector pushes CHILDREN more to its own deque. All jobs of a round wait for each other:
 * none ends before all have begun. There are as many as workers, so that work conservation decides: a worker that sleeps
 * while a job waits to be taken means that the round never ends.
 *
 * GUESTS guests, which are goroutines from outside, come for a while and go. With them no more than WORKERS shall be busy: there
 * are so many seats.
 *
 * Shared words, as in package worker:
 *   searching, awake, guests    counts, fields of one word: read together, changed by addition
 *   idle                        the set of parked workers, one bit each
 *   parked[i]                   the futex word of worker i
 *
 * To make work visible: make it visible; read the counts; if somebody searches or every seat is taken, done; otherwise take a
 * worker out of idle, count it awake and searching, set its word, wake it.
 * To park: leave the counts; enter idle; if a seat is free, look everywhere once more; if there is something, leave idle and
 * count again; otherwise sleep until the word is set.
 * To leave a seat: leave the count; if all seats were taken until then, look everywhere, and if there is something, wake a worker as
 * above. (More may be taken than there are, by workers that search. It is for the one after whom there are fewer.)
 * To stop searching because of a find: leave the count; whoever was the last looks everywhere and, if there is more, wakes
 * another one.
 *
 * Each line that the protocol rests on can be broken by defining one of the names MUTANT_*; check.sh shows that the property
 * is then violated. HARMLESS_* are changes that do not matter.
 */

#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef JOBS
#define JOBS 1
#endif
#ifndef CHILDREN
#define CHILDREN 1
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef SPURIOUS
#define SPURIOUS 1        /* how many sleeps end for no reason */
#endif
#ifndef GUESTS
#define GUESTS 0
#endif
#define TOTAL (JOBS * (1 + CHILDREN))

#define SEAT_FREE (awake + guests < WORKERS)
#define ASLEEP 0
#define WOKEN 1

#ifdef MUTANT_COUNT_BEFORE_TAKING
#define PHANTOMS true     /* more may be counted than there are */
#else
#define PHANTOMS false
#endif

byte injector = 0;        /* jobs in it */
byte deques[WORKERS];
byte begun = 0, ended = 0;

byte searching = 0, awake = WORKERS, guests = 0;
byte idle = 0;
byte parked[WORKERS];     /* ASLEEP or WOKEN */
bool sleeps[WORKERS];     /* in the kernel */
byte spurious = SPURIOUS;

/* Sleep if the word says so. */
inline futexWait(i) {
#ifdef MUTANT_FUTEX_DOES_NOT_COMPARE
	sleeps[i] = true;
#else
	d_step { sleeps[i] = (parked[i] == ASLEEP) };
#endif
end:	do
	:: atomic { !sleeps[i] -> break }
	:: atomic { sleeps[i] && spurious > 0 -> spurious--; sleeps[i] = false; break }
	od
}

inline futexWake(i) { sleeps[i] = false }

/* Takes i out of idle if it is in. */
inline removeIdle(i, removed) { d_step { removed = ((idle >> (i)) & 1); idle = idle & ~(1 << (i)) } }

/* One more is awake and searching. */
inline count() {
	assert(awake < WORKERS || PHANTOMS);
	awake++;
	searching++
}

/* Counts and wakes worker i, which the caller has taken out of idle. */
inline deliver(i) {
#ifndef MUTANT_COUNT_BEFORE_TAKING
	d_step { count() };
#endif
#ifdef MUTANT_WAKE_BEFORE_STORE
	futexWake(i);
	parked[i] = WOKEN
#else
	parked[i] = WOKEN;
	futexWake(i)
#endif
}

/* Wakes a worker for work that the caller has made visible, unless somebody will find it anyway. */
inline notify() {
#ifdef HARMLESS_WAKE_WHILE_OTHERS_SEARCH
	quiet = SEAT_FREE;
#else
	d_step { quiet = (searching == 0 && SEAT_FREE) };
#endif
	if
	:: quiet -> take()
	:: else -> skip
	fi
}

inline take() {
#ifdef MUTANT_COUNT_BEFORE_TAKING
	d_step { count() };
#endif
	do
	:: idle == 0 ->
#ifdef MUTANT_COUNT_BEFORE_TAKING
		d_step { awake--; searching-- };
#endif
		break
	:: atomic { idle != 0 -> seen = idle };
		d_step { n = 0; do :: (seen >> n) & 1 -> break :: else -> n++ od; seen = 0 };
		removeIdle(n, removed);
		if
		:: removed -> deliver(n); break
		:: else -> skip
		fi
	od;
	atomic { n = 0; removed = false; quiet = false }
}

/* Looks everywhere, and says in work whether there is some. */
inline look() {
	work = (injector > 0);
	n = 0;
	do
	:: !work && n < WORKERS -> work = (deques[n] > 0); n++
	:: else -> break
	od;
	n = 0
}

/* Comes if there is a seat, or not at all. If all seats were taken until it goes, it looks after others. */
proctype guest() {
	byte n, seen;
	bool quiet, removed, work, crowded;
	if
	:: atomic { awake - searching + guests < WORKERS -> guests++ };
#ifdef MUTANT_GUEST_ASKS_WHETHER_ALL_ARE_TAKEN_BEFORE_IT_GOES
		crowded = (awake + guests == WORKERS);
		guests--;
#elif defined(MUTANT_GUEST_ASKS_WHETHER_ALL_ARE_TAKEN_AFTER_IT_HAS_GONE)
		guests--;
		crowded = (awake + guests == WORKERS - 1);
#else
		atomic { guests--; crowded = (awake + guests == WORKERS - 1) };
#endif
#ifndef MUTANT_GUEST_GOES_WITHOUT_A_LOOK
		if
		:: crowded -> look(); if :: work -> notify() :: else -> skip fi
		:: else -> skip
		fi
#endif
	:: true -> skip
	fi
}

proctype submitter() {
	byte n, seen, round, job;
	bool quiet, removed;
	do
	:: round == ROUNDS -> break
	:: else ->
		round++;
		job = 0;
		do
		:: job == JOBS -> break
		:: else ->
			job++;
#ifdef MUTANT_NOTIFY_BEFORE_SUBMIT
			notify();
			injector++
#else
			injector++;
			notify()
#endif
		od;
		ended == TOTAL * round
	od
}

/* Takes a job from a queue, if there is one. */
inline takeFrom(queue) { atomic { if :: queue > 0 -> queue--; found = true :: else -> skip fi } }

proctype worker(byte me) {
	byte n, seen, i;
	bool quiet, removed, work, found, outside, search, free;
	do
	:: /* find a job */
		takeFrom(deques[me]);
		if
		:: !found -> takeFrom(injector); outside = found
		:: else -> skip
		fi;
		if
		:: !found && !search ->
#ifdef HARMLESS_ALL_SEARCH
			quiet = true;
#else
			d_step { quiet = (2 * searching < WORKERS || searching == 0) };
#endif
			if
			:: quiet -> searching++; search = true
			:: else -> skip
			fi;
			quiet = false
		:: else -> skip
		fi;
		if
		:: !found && search ->
			i = 0;
			do
			:: !found && i < WORKERS -> takeFrom(deques[i]); i++
			:: else -> break
			od;
			i = 0;
			if
			:: !found -> takeFrom(injector); outside = found
			:: else -> skip
			fi
		:: else -> skip
		fi;
		if
		:: found ->
			found = false;
			if
			:: search -> /* stop searching */
				search = false;
				atomic { searching--; quiet = (searching == 0) };
				if
#ifdef MUTANT_LAST_SEARCHER_DOES_NOT_WAKE
				:: false -> skip
#else
				:: quiet -> look(); if :: work -> notify() :: else -> skip fi
#endif
				:: else -> skip
				fi;
				atomic { quiet = false; work = false }
			:: else -> skip
			fi;
			/* run it */
			if
			:: outside ->
				outside = false;
				i = 0;
				do
				:: i < CHILDREN -> i++; deques[me]++; notify()
				:: else -> break
				od;
				i = 0
			:: else -> skip
			fi;
			atomic { begun++; i = (begun + TOTAL - 1) / TOTAL };
			begun == TOTAL * i;
			d_step { ended++; i = 0 }
		:: else -> /* park */
#ifdef MUTANT_LOOK_BEFORE_ENTERING_IDLE
			look();
#endif
			atomic { assert(awake > 0 && searching >= search); awake--; searching = searching - search;
#ifdef MUTANT_SEAT_LOOKED_FOR_BEFORE_ENTERING_IDLE
				free = SEAT_FREE
#endif
			};
			search = true;
			idle = idle | (1 << me);
#ifndef MUTANT_SEAT_LOOKED_FOR_BEFORE_ENTERING_IDLE
			free = SEAT_FREE;
#endif
#ifdef MUTANT_NO_LOOK
			work = false;
#elif defined(MUTANT_LOOK_FORGETS_INJECTOR)
			look(); work = false; i = 0;
			do
			:: i < WORKERS -> work = work || (deques[i] > 0); i++
			:: else -> break
			od;
			i = 0;
#elif !defined(MUTANT_LOOK_BEFORE_ENTERING_IDLE)
			if
			:: free -> look()
			:: else -> skip
			fi;
#endif
			free = false;
			if
			:: work -> removeIdle(me, removed)
			:: else -> skip
			fi;
			if
			:: removed -> d_step { count(); removed = false }
			:: else ->
#ifdef MUTANT_SPURIOUS_WAKE_COUNTS
				if :: parked[me] == ASLEEP -> futexWait(me) :: else -> skip fi;
#else
				do
				:: parked[me] == ASLEEP -> futexWait(me)
				:: else -> break
				od;
#endif
#ifndef MUTANT_WORD_NOT_RESET
				parked[me] = ASLEEP
#else
				skip
#endif
			fi;
			work = false
		fi
	od
}

/* When nobody can take a step, every job must have ended and every worker must be parked and accounted for. */
proctype monitor() {
	timeout;
	assert(ended == TOTAL * ROUNDS);
	assert(injector == 0 && awake == 0 && searching == 0 && idle == (1 << WORKERS) - 1)
}

init {
	atomic {
		byte w;
		for (w : 0 .. WORKERS - 1) { run worker(w) }
#if GUESTS
		for (w : 1 .. GUESTS) { run guest() }
#endif
		run submitter();
		run monitor()
	}
}
