package service

// What tests of tables with registration numbers reach.
const (
	FrdoBytes   = frdoBytes
	MostNumbers = mostNumbers
)

// ReadNumbers is readNumbers without its headers.
func ReadNumbers(sheets []Sheet) ([]NumberRow, error) {
	t, err := readNumbers(sheets)
	if err != nil {
		return nil, err
	}
	return t.Rows, nil
}

// MatchNumbers is matchNumbers.
func MatchNumbers(rows []NumberRow, heldOn, today Day, all []Application, taken map[string]int64) []NumberRow {
	return matchNumbers(rows, numberScene{heldOn: heldOn, today: today, all: all, taken: taken})
}

// FoldName is foldName.
func FoldName(name string) string { return foldName(name) }
