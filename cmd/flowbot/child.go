package main

import (
	"flowbot/service/foreign"
	"flowbot/service/ocr"
)

// childCommand reads what came from outside in a process of its own; the program
// calls itself with it.
type childCommand struct {
	Args []string `arg:"" optional:""`
}

// Run answers on standard output: with "recognise" questions about pages, until
// there are no more, else one about a file.
func (c *childCommand) Run(p *program) error {
	answer, args := foreign.Main, c.Args
	if len(args) > 0 && args[0] == "recognise" {
		answer, args = ocr.Main, args[1:]
	}
	if code := answer(args, p.in, p.out); code != 0 {
		return exitError(code)
	}
	return nil
}
