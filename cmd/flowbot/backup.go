package main

import (
	"context"
	"errors"
	"fmt"

	"flowbot/db"
)

type backupCommand struct {
	Dir string `arg:"" help:"A directory that is not there yet."`
}

// Run writes the backup and says what it holds.
func (c *backupCommand) Run(ctx context.Context, p *program) error {
	return p.withFiles(ctx, func(i *installation) error {
		m, err := db.Backup(ctx, i.url, i.files, c.Dir)
		if err != nil {
			return err
		}
		return printManifest(p, m)
	})
}

type restoreCommand struct {
	Dir   string `arg:"" help:"What backup has written."`
	Force bool   `help:"Also over data that is there; they are lost."`
}

// Run restores and says what came back.
func (c *restoreCommand) Run(ctx context.Context, p *program) error {
	return p.withFiles(ctx, func(i *installation) error {
		m, err := db.Restore(ctx, i.url, i.files, c.Dir, c.Force)
		if err != nil {
			return err
		}
		return printManifest(p, m)
	})
}

func printManifest(p *program, m *db.Manifest) error {
	var rows, bytes int64
	for _, n := range m.Tables {
		rows += n
	}
	for _, f := range m.Files {
		bytes += f.Size
	}
	_, err := fmt.Fprintf(p.out, "tables %d, rows %d, files %d, bytes %d\n", len(m.Tables), rows, len(m.Files), bytes)
	return err
}

// withFiles runs fn over the database's address and the files, without touching
// the schema.
func (p *program) withFiles(ctx context.Context, fn func(i *installation) error) (err error) {
	s, err := readSettings()
	if err != nil {
		return err
	}
	i, err := openDatabaseServer(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.Close()) }()
	if i.files, err = s.openFiles(ctx); err != nil {
		return err
	}
	return fn(i)
}
