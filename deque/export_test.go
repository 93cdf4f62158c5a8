package deque

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
