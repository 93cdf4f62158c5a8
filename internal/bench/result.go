package bench

import (
	"encoding/json"

	"github.com/pinwheel-sched/pinwheel/internal/bench/stat"
)

// A Result is what the runs of one workload on one runtime with one number of workers came to.
type Result struct {
	Workload  string             `json:"workload"`
	Variant   string             `json:"variant,omitempty"` // the values of its options, "producers=8"
	Runtime   Runtime            `json:"runtime"`
	Workers   int                `json:"workers"`
	N         string             `json:"n"`
	Unit      string             `json:"unit"`
	Tasks     int64              `json:"tasks"`
	WallNs    []int64            `json:"wall_ns"`
	MedianNs  float64            `json:"median_ns"`
	NsPerTask float64            `json:"ns_per_task"`
	Result    string             `json:"result"`
	Verified  bool               `json:"verified"`
	Error     string             `json:"error,omitempty"` // why it is not verified
	Metrics   map[string]float64 `json:"metrics"`
	Stats     json.RawMessage    `json:"stats"` // of the scheduler in the last run; {} where there is none
}

// A series is a result in the making.
type series struct {
	out     Result
	body    Body
	metrics map[string][]float64
}

func (row *series) record(o outcome) {
	row.out.WallNs = append(row.out.WallNs, int64(o.wall))
	row.out.Result = o.answer
	for name, v := range o.metrics {
		row.metrics[name] = append(row.metrics[name], v)
	}
	if o.stats != nil {
		row.out.Stats = o.stats
	}
}

// finish sums up the runs that were recorded, and lets go of the input.
func (row *series) finish() {
	row.body = nil
	row.out.Verified = row.out.Error == "" && len(row.out.WallNs) > 0
	if len(row.out.WallNs) == 0 {
		return
	}
	wall := make([]float64, len(row.out.WallNs))
	for i, ns := range row.out.WallNs {
		wall[i] = float64(ns)
	}
	row.out.MedianNs = stat.Median(wall)
	row.out.NsPerTask = row.out.MedianNs / float64(row.out.Tasks)
	for name, values := range row.metrics {
		row.out.Metrics[name] = stat.Median(values)
	}
}
