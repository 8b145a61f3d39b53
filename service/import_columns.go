package service

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The reasons for which a cell or a row of an import is bad. All are Invalid.
const (
	ReasonImportRequired      Reason = "import.required"       // an empty cell that must not be
	ReasonImportTooLong       Reason = "import.too_long"       // Data: the limit in characters
	ReasonImportNoDay         Reason = "import.no_day"         // neither ДД.ММ.ГГГГ nor a date of Excel
	ReasonImportFarDay        Reason = "import.far_day"        // a day of a year that cannot be; Data: ImportYears
	ReasonImportNoNumber      Reason = "import.no_number"      // not a whole number from 0 on; Data: the greatest
	ReasonImportNoYesNo       Reason = "import.no_yes_no"      // neither «Да» nor «Нет»
	ReasonImportNoDocument    Reason = "import.no_document"    // no known type of document; Data: []string
	ReasonImportRounded       Reason = "import.rounded"        // a long number that lost digits in Excel
	ReasonImportFormulaError  Reason = "import.formula_error"  // #REF! and the like
	ReasonImportColumnMissing Reason = "import.column_missing" // a required column is not there
	ReasonImportColumnTwice   Reason = "import.column_twice"   // a column that stands twice
	ReasonImportRepeated      Reason = "import.repeated"       // the number stands in the file already; Data: ImportRow
	ReasonImportEndBefore     Reason = "import.end_before"     // the end is before the start
	ReasonImportBornLate      Reason = "import.born_late"      // born after the day of the document
	ReasonImportNoPartner     Reason = "import.no_partner"     // no partner of that name or INN
	ReasonImportNoCohort      Reason = "import.no_cohort"      // no cohort of that number, or none that the sender may see
	ReasonImportNumberTaken   Reason = "import.number_taken"   // the application belongs to somebody else's cohort
	ReasonImportCohortInAct   Reason = "import.cohort_in_act"  // an act of the cohort stands; Data: the columns
	ReasonImportPartnerFixed  Reason = "import.partner_fixed"  // the cohort has had acts or a journal
	ReasonImportLearnerInAct  Reason = "import.learner_in_act" // the learner stands in an act; Data: the columns
	ReasonImportForbidden     Reason = "import.forbidden"      // this sheet is not the sender's to import
)

// ImportRow is the Data of a row that repeats another.
type ImportRow struct{ Row int }

// ImportYears is the Data of a day that is out of bounds.
type ImportYears struct{ First, Last int }

// The sheets and the columns of the import, as they stand in the files. Source:
// the contract, "Import sheets".
const (
	sheetCohorts  = "Потоки"
	sheetLearners = "Слушатели"
	sheetCalendar = "Календарь"
	sheetGuide    = "Справка"

	columnError = "Ошибка" // of a refused workbook

	columnCohort             = "Номер потока"
	columnProgram            = "Программа"
	columnProgramKind        = "Вид программы"
	columnHours              = "Часов"
	columnPartner            = "Образовательный партнёр"
	columnStart              = "Дата начала"
	columnEnd                = "Дата окончания"
	columnLearner            = "Номер заявки"
	columnLastName           = "Фамилия"
	columnFirstName          = "Имя"
	columnMiddleName         = "Отчество"
	columnBorn               = "Дата рождения"
	columnFinished           = "Завершил успешно"
	columnDocumentType       = "Тип документа"
	columnDocumentSeries     = "Серия бланка"
	columnDocumentNumber     = "Номер бланка"
	columnRegistrationNumber = "Регистрационный номер"
	columnDocumentOn         = "Дата документа"
	columnSent               = "Дата направления"
	columnInFRDO             = "Внесено в ФИС ФРДО"

	wordYes = "Да"
	wordNo  = "Нет"
)

// documentNames are the types of documents in words, at their number.
var documentNames = []string{
	DocumentQualification:     "Удостоверение о повышении квалификации",
	DocumentRetraining:        "Диплом о профессиональной переподготовке",
	DocumentWorker:            "Свидетельство о профессии рабочего",
	DocumentClerk:             "Свидетельство о должности служащего",
	DocumentQualificationCert: "Свидетельство о повышении квалификации",
	DocumentShortTerm:         "Удостоверение о краткосрочном повышении квалификации",
	DocumentAdditional:        "Диплом о дополнительном образовании",
}

// Name is the type in the words that the import takes and the act prints; ""
// for none.
func (d DocumentType) Name() string {
	if d < 0 || int(d) >= len(documentNames) {
		return ""
	}
	return documentNames[d]
}

// Longest texts, in characters. No paper of the domain comes near; the act's
// table still prints them.
const (
	longestNumber  = 50
	longestName    = 100
	longestProgram = 500
	mostHours      = 10_000
)

// sheetColumn is one column of a sheet whose rows are read into a T.
type sheetColumn[T any] struct {
	title    string
	required bool // the column must be there and no row may leave it empty
	present  bool // the column must be there
	form     SheetFormColumn
	read     func(cell string, s *Sheet, into *T) error
	keep     func(from, into *T) // takes the known value
	same     func(a, b *T) bool  // the values are one
}

// columnOf ties a column to a field of the row by the way its cells are read.
func columnOf[T any, V comparable](title string, read func(string, *Sheet) (V, error), at func(*T) *V) sheetColumn[T] {
	return sheetColumn[T]{
		title: title,
		form:  SheetFormColumn{Title: title, Kind: ColumnText},
		read: func(cell string, s *Sheet, into *T) error {
			v, err := read(cell, s)
			*at(into) = v
			return err
		},
		keep: func(from, into *T) { *at(into) = *at(from) },
		same: func(a, b *T) bool { return *at(a) == *at(b) },
	}
}

// must makes the column required.
func (c sheetColumn[T]) must() sheetColumn[T] {
	c.required, c.form.Required = true, true
	return c
}

// of says for the empty workbook what the column holds.
func (c sheetColumn[T]) of(kind ColumnKind, values ...string) sheetColumn[T] {
	c.form.Kind, c.form.Values = kind, values
	return c
}

// listed says that the guide of the empty workbook has the values.
func (c sheetColumn[T]) listed() sheetColumn[T] {
	c.form.Listed = true
	return c
}

// differing lists the titles of the columns in which two rows differ.
func differing[T any](columns []sheetColumn[T], a, b *T) []string {
	var out []string
	for _, c := range columns {
		if !c.same(a, b) {
			out = append(out, c.title)
		}
	}
	return out
}

// fold makes titles, names of sheets and words comparable: one case, ё as е,
// one space between words.
func fold(s string) string {
	s = strings.ReplaceAll(strings.ToLower(s), "ё", "е")
	return strings.Join(strings.Fields(strings.Trim(s, "*: ")), " ")
}

// rounded is how Excel keeps a number of more digits than it can hold, and any
// long one: 1.2345678901234E+19.
var rounded = regexp.MustCompile(`^-?\d(\.\d+)?E\+\d{1,3}$`)

// exactDigits is how many digits of a number Excel keeps.
const exactDigits = 15

// formulaErrors are what a cell holds when its formula failed.
var formulaErrors = []string{"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#Н/Д", "#ССЫЛКА!", "#ЗНАЧ!", "#ИМЯ?", "#ДЕЛ/0!", "#ЧИСЛО!", "#ПУСТО!"}

// readText reads a text of at most limit characters.
func readText(limit int) func(string, *Sheet) (string, error) {
	return func(cell string, _ *Sheet) (string, error) {
		if slices.Contains(formulaErrors, cell) {
			return "", refuse(Invalid, ReasonImportFormulaError)
		}
		if rounded.MatchString(cell) {
			f, err := strconv.ParseFloat(cell, 64)
			if err != nil || f < 0 || f >= 1e15 {
				return "", refuse(Invalid, ReasonImportRounded)
			}
			cell = strconv.FormatFloat(f, 'f', -1, 64)
			if strings.Contains(cell, ".") || len(cell) > exactDigits {
				return "", refuse(Invalid, ReasonImportRounded)
			}
		}
		cell = strings.Join(strings.Fields(cell), " ")
		if utf8.RuneCountInString(cell) > limit {
			return "", refuseWith(Invalid, ReasonImportTooLong, limit)
		}
		return cell, nil
	}
}

// readNumber reads a whole number from 0 to limit; an empty cell is 0.
func readNumber(limit int) func(string, *Sheet) (int, error) {
	return func(cell string, _ *Sheet) (int, error) {
		if cell == "" {
			return 0, nil
		}
		n, err := strconv.Atoi(strings.ReplaceAll(cell, " ", ""))
		if err != nil || n < 0 || n > limit {
			return 0, refuseWith(Invalid, ReasonImportNoNumber, limit)
		}
		return n, nil
	}
}

// Years that a file may speak of. A number that is no date but stands in a
// column of dates mostly falls out of them: 2025 is a day of 1905 to Excel.
const (
	firstBirth    = 1900
	firstTraining = 1990
	lastYear      = 2100
)

// readDay reads ДД.ММ.ГГГГ, a time after it passed over, YYYY-MM-DD, or the
// number by which Excel keeps a date, of the year first or later; an empty cell
// is no day.
func readDay(first int) func(string, *Sheet) (Day, error) {
	return func(cell string, s *Sheet) (Day, error) {
		if cell == "" {
			return Day{}, nil
		}
		d, ok := parseDay(cell, s.Base1904)
		if !ok {
			return Day{}, refuse(Invalid, ReasonImportNoDay)
		}
		if d.Year < first || d.Year > lastYear {
			return Day{}, refuseWith(Invalid, ReasonImportFarDay, ImportYears{first, lastYear})
		}
		return d, nil
	}
}

func parseDay(cell string, base1904 bool) (Day, bool) {
	if serial, err := strconv.ParseFloat(cell, 64); err == nil {
		return excelDay(serial, base1904)
	}
	date, clock, timed := strings.Cut(strings.Replace(cell, "T", " ", 1), " ")
	if timed && !slices.ContainsFunc([]string{"15:04", time.TimeOnly, "15:04:05Z"}, func(layout string) bool {
		_, err := time.Parse(layout, strings.TrimSpace(clock))
		return err == nil
	}) {
		return Day{}, false
	}
	for _, layout := range []string{"2.1.2006", time.DateOnly} {
		if t, err := time.Parse(layout, date); err == nil {
			return DayOf(t, time.UTC), true
		}
	}
	return Day{}, false
}

// Numbers by which Excel keeps dates.
const (
	serialFeb29 = 60        // 29.02.1900, a day that there was not
	serialMost  = 2_958_465 // 31.12.9999
	serial1904  = 1462      // days from the one beginning to the other
)

// excelDay is the day of a number: 1 is 01.01.1900, or 0 is 01.01.1904; what is
// behind the point is the time. Source: ECMA-376 part 1, 18.17.4.1.
func excelDay(serial float64, base1904 bool) (Day, bool) {
	if base1904 {
		serial += serial1904
	}
	if !(serial >= 1 && serial < serialMost+1) || int(serial) == serialFeb29 {
		return Day{}, false
	}
	n := int(serial)
	if n < serialFeb29 {
		n++
	}
	return NewDay(1899, time.December, 30).AddDays(n), true
}

// readYesNo reads «Да» and «Нет», and what programs make of them; an empty cell
// is «Нет».
func readYesNo(cell string, _ *Sheet) (bool, error) {
	switch fold(cell) {
	case "да", "1", "true", "истина":
		return true, nil
	case "", "нет", "0", "false", "ложь":
		return false, nil
	default:
		return false, refuse(Invalid, ReasonImportNoYesNo)
	}
}

// readDocument reads a type of document by its number or its words; an empty
// cell is none.
func readDocument(cell string, _ *Sheet) (DocumentType, error) {
	word := fold(cell)
	if word == "" {
		return DocumentNone, nil
	}
	for n, name := range documentNames {
		if n > 0 && (word == strconv.Itoa(n) || word == fold(name)) {
			return DocumentType(n), nil
		}
	}
	return DocumentNone, refuseWith(Invalid, ReasonImportNoDocument, documentNames[1:])
}
