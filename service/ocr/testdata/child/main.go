// Command child is the child that reads pages alone, for the tests: they run with
// the race detector, which would make each child ten times as slow and tell
// nothing, since a child does one thing at a time.
package main

import (
	"os"

	"flowbot/service/ocr"
)

func main() { os.Exit(ocr.Main(os.Args[1:], os.Stdin, os.Stdout)) }
