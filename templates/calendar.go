package templates

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed calendar/*.txt
var calendarFiles embed.FS

// CalendarYears returns the calendar years that come with the program, oldest
// first, in the text form that the service reads. Each names its source.
func CalendarYears() ([]string, error) {
	names, err := fs.Glob(calendarFiles, "calendar/*.txt")
	if err != nil {
		return nil, fmt.Errorf("list calendar years: %w", err)
	}
	years := make([]string, 0, len(names))
	for _, name := range names {
		b, err := calendarFiles.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read calendar year %s: %w", name, err)
		}
		years = append(years, string(b))
	}
	return years, nil
}
