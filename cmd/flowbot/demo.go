package main

import "context"

type demoCommand struct{}

func (c *demoCommand) Run(ctx context.Context, p *program) error { return nil }
