// Package netpoll lets tasks wait for sockets, pipes and files as if they blocked: one poller for a scheduler, which is a
// thread in epoll that also drives the timer wheels, and on top of it the connections, listeners and datagram sockets of
// package net's shape.
//
// Programs use package sched, which makes the poller ([sched.Listen], [sched.Dial], [sched.Serve] and so on).
//
// # The poller
//
// A [Poller] is made by [New], which starts nothing. The first timer in its wheels, or the first descriptor, starts its
// thread. From then on
//
//   - the thread waits for the next of: descriptors that are ready, the time that [timer.Wheels.Next] gives, a word that the
//     plan has changed. It wakes tasks and goroutines, and fires timers by [timer.Wheels.Poll]. It never runs code of a user.
//   - a worker that has nothing to do calls [Poller.Poll], which does not wait, and one that computes does so now and then.
//   - a worker that is about to sleep calls [Poller.Watch] and waits for descriptors in place of the thread, so that an event wakes the
//     thread that is going to deal with it. The poller's own thread takes that over when all workers compute.
//   - [Poller.Close] closes what is still registered, ends the thread and closes the poller's own descriptors.
//
// Where there is no epoll, a [timer.Driver] stands in for the thread, and connections stand on package net.
//
// # Readiness
//
// A descriptor is registered once, edge-triggered, for reading and writing. The poller keeps its readiness in user space,
// where it is cleared only by a call that found the descriptor drained. So a call on a descriptor that is known not to be
// ready makes no system call, it waits; and nobody tells the kernel what is waited for.
//
// # Files
//
// Files are always ready, so there is nothing to wait for in epoll. A [Disk] reads them in line if the kernel has the data, by
// io_uring if it has not, whose completions come through the poller, and by system calls on goroutines where there is no
// io_uring.
//
// # How it behaves at present
//
// An idle connection of [Listener.ServeReadable] takes some 600 bytes; one with a task of its own that waits takes about 3.6 KiB besides
// what its handler keeps (schedbench run idle-conns). Most of that is the stack, which stays at 2 KiB if the handler has no large variables
// on it. System calls of up to 64 KiB are not announced to the Go runtime, which saves 80 ns each.
//
// # Where things are
//
//	poller.go        the life of a poller
//	epoll_linux.go   its thread, polling, and who waits in epoll
//	set_linux.go     what the kernel has of it: the epoll set and the eventfd, of which the explorer has a model
//	table.go         registrations and generations: why no event reaches the wrong descriptor
//	side.go          readiness of one direction, and waiting for it: why no event is lost
//	desc_linux.go    descriptors: holding the number while it is used, closing, reading and writing
//	deadline_linux.go
//	conn.go          connections            copy.go, copy_linux.go  copying without a buffer that waits, splice, sendfile
//	listener.go      listeners              serve.go, readable.go   servers
//	dial.go          dialing                packet.go               datagrams
//	file.go          files: what they promise
//	disk.go          the three ways, and the goroutines of the last
//	file_linux.go    regular files: in line, or not
//	uring_linux.go   io_uring
//	*_other.go       the same on package net
package netpoll
