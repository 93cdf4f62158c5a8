package worker

// Awaited reports whether the caller is the task, or a part of it: whether waiting for the task would be waiting for oneself. It is for a
// future.Owner.
func (r *Root) Awaited(bool) (itself bool) { return r.runsOn(fiberHere()) }

// runsOn reports whether f, which may be nil, runs the task or a part of it.
func (r *Root) runsOn(f *fiber) bool {
	return f != nil && f.task != nil && f.task.top() == &r.task
}
