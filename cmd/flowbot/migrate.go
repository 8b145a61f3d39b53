package main

import (
	"context"
	"errors"
	"fmt"

	"flowbot/db"
)

type migrateCommand struct {
	Up     migrateUpCommand     `cmd:"" help:"Apply every pending step."`
	Down   migrateDownCommand   `cmd:"" help:"Take the newest step back."`
	Status migrateStatusCommand `cmd:"" help:"List the steps."`
}

type (
	migrateUpCommand     struct{}
	migrateDownCommand   struct{}
	migrateStatusCommand struct{}
)

// Run applies what is pending.
func (migrateUpCommand) Run(ctx context.Context, p *program) error { return migrate(ctx, p, db.Up) }

// Run takes one step back.
func (migrateDownCommand) Run(ctx context.Context, p *program) error { return migrate(ctx, p, db.Down) }

// Run changes nothing.
func (migrateStatusCommand) Run(ctx context.Context, p *program) error {
	return migrate(ctx, p, db.Status)
}

// migrate changes the schema and prints its steps as they are then.
func migrate(ctx context.Context, p *program, do db.Direction) (err error) {
	s, err := readSettings()
	if err != nil {
		return err
	}
	i, err := openDatabaseServer(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.Close()) }()
	steps, err := db.Migrate(ctx, i.url, do)
	if err != nil {
		return err
	}
	for _, step := range steps {
		state := "pending"
		if step.Applied {
			state = "applied"
		}
		if _, err := fmt.Fprintf(p.out, "%s\t%s\n", state, step.Name); err != nil {
			return err
		}
	}
	return nil
}
