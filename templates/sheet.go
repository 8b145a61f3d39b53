package templates

import (
	"embed"
	"encoding/json"
	"fmt"
)

//go:embed sheet/*.json
var sheetFiles embed.FS

// SheetHints returns the words beside the columns of an empty import workbook,
// by sheet and column. Each has at most 255 characters, as Excel shows.
func SheetHints(lang string) (map[string]map[string]string, error) {
	b, err := sheetFiles.ReadFile("sheet/" + lang + ".json")
	if err != nil {
		return nil, fmt.Errorf("read hints of sheets: %w", err)
	}
	var hints map[string]map[string]string
	if err := json.Unmarshal(b, &hints); err != nil {
		return nil, fmt.Errorf("read hints of sheets: %w", err)
	}
	return hints, nil
}
