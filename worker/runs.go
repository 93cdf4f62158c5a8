package worker

// RunsHere reports whether the caller is the task, or a part of it: whether waiting for the task would be waiting for oneself.
func (r *Root) RunsHere() bool {
	f := fiberHere()
	return f != nil && f.task != nil && f.task.top() == &r.task
}
