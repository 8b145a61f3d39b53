// Command child is the child alone, for the tests: they run with the race
// detector, which would make each child ten times as slow and tell nothing,
// since a child does one thing at a time.
package main

import (
	"os"

	"flowbot/service/foreign"
)

func main() { os.Exit(foreign.Main(os.Args[1:], os.Stdin, os.Stdout)) }
