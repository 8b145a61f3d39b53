package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

type fileCommand struct {
	SHA256 string `arg:"" name:"sha256" help:"Of its content, 64 hex digits."`
	Out    string `arg:"" help:"Where to write it."`
}

// Run writes the file. It needs no database.
func (c *fileCommand) Run(ctx context.Context) error {
	s, err := readSettings()
	if err != nil {
		return err
	}
	files, err := s.openFiles(ctx)
	if err != nil {
		return err
	}
	r, err := files.Open(ctx, c.SHA256)
	if err != nil {
		return fmt.Errorf("no stored file %s", c.SHA256)
	}
	return errors.Join(writeWhole(c.Out, r), r.Close())
}

// writeWhole writes a file that is there whole or not at all.
func writeWhole(path string, r io.Reader) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".flowbot-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err := io.Copy(f, r); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil { // as any file that a command writes
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
