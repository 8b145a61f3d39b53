package service

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
)

// scanEndings are what the names of scans end with.
var scanEndings = []string{".pdf", ".jpg", ".jpeg", ".png", ".heic", ".heif", ".webp", ".tif", ".tiff", ".bmp", ".gif"}

// IsArchive reports whether a file's name says that it is an archive. It decides
// only which conversation a file starts; what the file is, its content says.
func IsArchive(name string) bool { return strings.EqualFold(path.Ext(name), ".zip") }

// scanKey makes the name of a file and the number of an application comparable:
// what no file name may have is a hyphen there.
func scanKey(number string) string { return strings.ToLower(fileName(number)) }

// scanName is the name of a file without its ending.
func scanName(name string) string {
	if ext := path.Ext(name); slices.Contains(scanEndings, strings.ToLower(ext)) {
		name = strings.TrimSuffix(name, ext)
	}
	return strings.TrimSpace(name)
}

// NamedFor tells whose number the name of a file for an application is when it is
// another's: one of the same exam, or one that the actor may see. "" is nobody's.
func (s *Scans) NamedFor(ctx context.Context, by Actor, applicationID int64, file string) (string, error) {
	name, other := scanName(file), ""
	err := s.look(ctx, by, applicationID, func(e *Exam, a *Application) error {
		if scanKey(name) == scanKey(a.Number) {
			return nil
		}
		list, err := s.store.Applications(ctx, e.ID)
		if err != nil {
			return fmt.Errorf("applications of exam %d: %w", e.ID, err)
		}
		for i := range list {
			if scanKey(list[i].Number) == scanKey(name) {
				other = list[i].Number
				return nil
			}
		}
		found, err := s.store.ApplicationByNumber(ctx, by, name)
		switch {
		case err == nil:
			other = found.Number
		case AsError(err).Kind != NotFound:
			return fmt.Errorf("application by its number: %w", err)
		}
		return nil
	})
	return other, err
}
