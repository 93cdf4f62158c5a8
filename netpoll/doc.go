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
//   - a worker that would park calls [Poller.Poll] first, and one that computes may call it at a safe point now and then. It
//     does the same without waiting. So a loaded server needs no hop from the poller's thread to a worker's.
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
// # Where things are
//
//	poller.go        the life of a poller
//	epoll_linux.go   its thread, polling and the eventfd
//	table.go         registrations and generations: why no event reaches the wrong descriptor
//	file.go          files: what they promise
//	disk.go          the three ways, and the goroutines of the last
//	file_linux.go    regular files: in line, or not
//	uring_linux.go   io_uring
package netpoll
