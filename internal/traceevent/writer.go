// Package traceevent writes traces in the trace-event format, as JSON, which https://ui.perfetto.dev opens: tracks of slices,
// instants, and arrows between slices. The file is an array of events in any order.
//
// See "Trace Event Format" (Google, 2016) for the meaning of the fields.
package traceevent

import (
	"bufio"
	"io"
	"strconv"
	"time"
)

// A Writer writes events. It is not for concurrent use. The first error of the underlying writer stays, and is returned by
// Flush and Close.
type Writer struct {
	w    *bufio.Writer
	open bool // an event has been written
	buf  []byte
}

// NewWriter begins a trace. Between says that w has events already, without the bracket at the end.
func NewWriter(w io.Writer, between bool) *Writer {
	return &Writer{w: bufio.NewWriterSize(w, 64<<10), open: between}
}

// A Track is a line of the display: a thread of a process.
type Track struct{ Process, Thread int }

// An event is written field by field.
func (w *Writer) begin(phase byte, name string, t Track) {
	b := append(w.buf[:0], "[\n"...)
	if w.open {
		b = append(w.buf[:0], ",\n"...)
	}
	w.open = true
	b = append(b, `{"ph":"`...)
	b = append(b, phase)
	b = append(b, `","pid":`...)
	b = strconv.AppendInt(b, int64(t.Process), 10)
	b = append(b, `,"tid":`...)
	b = strconv.AppendInt(b, int64(t.Thread), 10)
	b = append(b, `,"name":`...)
	w.buf = quote(b, name)
}

// quote appends a JSON string. Names are those of Go functions, so little needs escaping.
func quote(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ':
			b = append(b, ' ')
		default:
			b = append(b, string(r)...)
		}
	}
	return append(b, '"')
}

// time appends a field with a time, in microseconds.
func (w *Writer) time(key string, t time.Duration) {
	w.buf = append(w.buf, `,"`...)
	w.buf = append(w.buf, key...)
	w.buf = append(w.buf, `":`...)
	w.buf = strconv.AppendFloat(w.buf, float64(t)/1000, 'f', 3, 64)
}

func (w *Writer) raw(field string) { w.buf = append(w.buf, field...) }

func (w *Writer) number(key string, n uint64) {
	w.buf = append(w.buf, `,"`...)
	w.buf = append(w.buf, key...)
	w.buf = append(w.buf, `":`...)
	w.buf = strconv.AppendUint(w.buf, n, 10)
}

func (w *Writer) end() {
	w.buf = append(w.buf, '}')
	_, _ = w.w.Write(w.buf) // bufio keeps the error
}

// Process names a process.
func (w *Writer) Process(process int, name string) {
	w.meta("process_name", Track{Process: process}, name)
}

// Thread names a track; tracks are displayed in the order of their numbers.
func (w *Writer) Thread(t Track, name string) {
	w.meta("thread_name", t, name)
	w.begin('M', "thread_sort_index", t)
	w.raw(`,"args":{"sort_index":`)
	w.buf = strconv.AppendInt(w.buf, int64(t.Thread), 10)
	w.raw(`}`)
	w.end()
}

func (w *Writer) meta(kind string, t Track, name string) {
	w.begin('M', kind, t)
	w.raw(`,"args":{"name":`)
	w.buf = quote(w.buf, name)
	w.raw(`}`)
	w.end()
}

// Slice writes something that took its time. Slices of a track nest.
func (w *Writer) Slice(t Track, category, name string, from, to time.Duration) {
	w.begin('X', name, t)
	w.raw(`,"cat":"` + category + `"`)
	w.time("ts", from)
	w.time("dur", max(0, to-from))
	w.end()
}

// Instant writes something that took no time, with one number about it if what is not empty.
func (w *Writer) Instant(t Track, category, name string, at time.Duration, what string, n uint64) {
	w.begin('i', name, t)
	w.raw(`,"cat":"` + category + `","s":"t"`)
	w.time("ts", at)
	if what != "" {
		w.raw(`,"args":{"` + what + `":`)
		w.buf = strconv.AppendUint(w.buf, n, 10)
		w.raw(`}`)
	}
	w.end()
}

// FlowStart begins an arrow at the slice that is there on the track, and FlowEnd ends it at the one there. The id tells arrows
// apart.
func (w *Writer) FlowStart(t Track, name string, id uint64, at time.Duration) {
	w.begin('s', name, t)
	w.raw(`,"cat":"flow"`)
	w.number("id", id)
	w.time("ts", at)
	w.end()
}

// FlowEnd is described at [Writer.FlowStart].
func (w *Writer) FlowEnd(t Track, name string, id uint64, at time.Duration) {
	w.begin('f', name, t)
	w.raw(`,"cat":"flow","bp":"e"`)
	w.number("id", id)
	w.time("ts", at)
	w.end()
}

// Flush writes what is buffered.
func (w *Writer) Flush() error { return w.w.Flush() }

// Tail is what Close writes last.
const Tail = "\n]\n"

// Close ends the array and writes what is buffered. It does not close the underlying writer.
func (w *Writer) Close() error {
	if !w.open {
		_, _ = w.w.WriteString("[")
	}
	_, _ = w.w.WriteString(Tail)
	return w.w.Flush()
}
