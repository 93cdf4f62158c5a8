package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/pinwheel-sched/pinwheel/sched"
	"github.com/pinwheel-sched/pinwheel/web"
)

func Example() {
	s, err := sched.New(sched.WithWorkers(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	page, err := web.Listen(s, "") // at a free port of the loopback interface
	if err != nil {
		fmt.Println(err)
		return
	}
	defer page.Close()
	// Tell the user: open page.URL() in a browser. Here a program reads what the page reads.
	_, _ = sched.Run(sched.With(context.Background(), s), func(*sched.Task) (int, error) { return 42, nil })
	answer, err := http.Get(page.URL() + "stats")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	var snapshot struct{ Stats struct{ Workers, Tasks int } }
	fmt.Println(json.NewDecoder(answer.Body).Decode(&snapshot), snapshot.Stats.Workers, "workers,", snapshot.Stats.Tasks, "task")
	// Output: <nil> 2 workers, 1 task
}
