package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestSimComparesVictims(t *testing.T) {
	o := execute(t, "sim", "--topology", "hybrid-pe", "--load", "few", "--json")
	var d struct {
		Schema  int
		Results []struct {
			Victims, Load string
			Workers, Jobs int
			Utilisation   float64
		}
	}
	if err := json.Unmarshal([]byte(o.stdout), &d); err != nil || o.status != exitDone || d.Schema != 1 || len(d.Results) != 2 {
		t.Fatalf("status %d, %v\n%s%s", o.status, err, o.stdout, o.stderr)
	}
	near, random := d.Results[0], d.Results[1]
	if near.Victims != "near" || random.Victims != "random" || near.Jobs != random.Jobs || near.Workers != 32 || near.Utilisation <= 0 {
		t.Errorf("%+v", d.Results)
	}
	o = execute(t, "sim", "--topology", "arm-biglittle", "--load", "few,regions")
	if o.status != exitDone || strings.Count(o.stdout, "\n") != 7 {
		t.Errorf("status %d\n%s%s", o.status, o.stdout, o.stderr)
	}
	for _, args := range []string{"sim --topology hybrid-pee", "sim --load forest", "sim hybrid-pe", "sim --root /no/such/dir"} {
		if o := execute(t, strings.Fields(args)...); o.status != exitUsage || o.stderr == "" || o.stdout != "" {
			t.Errorf("%s: status %d\n%s%s", args, o.status, o.stdout, o.stderr)
		}
	}
}
