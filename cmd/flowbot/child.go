package main

import "flowbot/service/foreign"

// childCommand reads files from outside in a process of its own; the program
// calls itself with it.
type childCommand struct {
	Args []string `arg:"" optional:""`
}

// Run answers one question on standard input.
func (c *childCommand) Run(p *program) error {
	if code := foreign.Main(c.Args, p.in, p.out); code != 0 {
		return exitError(code)
	}
	return nil
}
