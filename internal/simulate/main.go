// Command simulate says what a third-party suite with many corps costs a large fleet: calls of
// DingTalk, reads of the storage, and pages without a signature, when all is well and after the
// storage was lost. Time is virtual: hours take seconds.
//
// It is a model, event by event and page by page, of what tokens and tenant/suite do, whose own
// simulation runs their code at a smaller scale and measures what the model takes for granted.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	p := defaults
	flag.IntVar(&p.Nodes, "nodes", p.Nodes, "processes of the fleet")
	flag.IntVar(&p.Corps, "corps", p.Corps, "corps that have authorised the suite")
	flag.Float64Var(&p.Pages, "pages", p.Pages, "pages a second of the whole fleet, to corps by Zipf's law with the exponent 1")
	flag.Float64Var(&p.PerInterface, "limit", p.PerInterface, "calls a second of one interface that DingTalk answers")
	flag.IntVar(&p.Addresses, "addresses", p.Addresses, "addresses from which the fleet calls DingTalk")
	flag.Float64Var(&p.Lost, "lost", p.Lost, "share of the storage's writes that are lost, and of its reads that fail")
	flag.DurationVar(&p.For, "for", p.For, "how long it goes on, at least four hours")
	flag.DurationVar(&p.Rest, "rest", p.Rest, "how long a process rests after a limit, at least")
	flag.DurationVar(&p.Spread, "spread", p.Spread, "how much longer it may rest")
	flag.BoolVar(&p.Alone, "alone", p.Alone, "nothing is shared: each process has a storage of its own")
	flag.BoolVar(&p.Empty, "empty", p.Empty, "begin with an empty storage")
	flag.Parse()
	if p.For < shortest {
		fmt.Fprintln(os.Stderr, "-for: two hours pass before what is seen is what goes on: give at least", shortest)
		os.Exit(2)
	}
	start := time.Now()
	fmt.Print(newFleet(p).run())
	fmt.Printf("(%s of virtual time in %s)\n", p.For, time.Since(start).Round(time.Second))
}
