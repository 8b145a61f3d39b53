package service

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// The reasons for which a row of centers, exams, applications or results is bad.
// All are Invalid.
const (
	ReasonImportNoCenter      Reason = "import.no_center"      // no testing centre of that name or INN, or none of the sender's
	ReasonImportNoProfile     Reason = "import.no_profile"     // no such profile of a blank; Data: []string
	ReasonImportNoTime        Reason = "import.no_time"        // neither ДД.ММ.ГГГГ ЧЧ:ММ nor a date of Excel
	ReasonImportNoWord        Reason = "import.no_word"        // none of the words; Data: []string
	ReasonImportNoCountry     Reason = "import.no_country"     // no country of that name or code
	ReasonImportNoPhone       Reason = "import.no_phone"       // no number of a telephone
	ReasonImportNotLatin      Reason = "import.not_latin"      // other than Latin letters
	ReasonImportMixed         Reason = "import.mixed"          // Cyrillic and Latin letters in one word
	ReasonImportBornAtExam    Reason = "import.born_at_exam"   // born on the day of the exam or later
	ReasonImportBornAhead     Reason = "import.born_ahead"     // born in the future
	ReasonImportNoExam        Reason = "import.no_exam"        // no exam of that number, or none that the sender may see
	ReasonImportExamTaken     Reason = "import.exam_taken"     // the exam's number belongs to somebody else's exam
	ReasonImportExamNumbered  Reason = "import.exam_numbered"  // the exam's certificates have their numbers
	ReasonImportExamProtocol  Reason = "import.exam_protocol"  // the exam has a protocol, its center stays
	ReasonImportExamMarked    Reason = "import.exam_marked"    // the exam has results, its day cannot lie ahead
	ReasonImportNumbered      Reason = "import.numbered"       // the application has its registration number
	ReasonImportLinked        Reason = "import.linked"         // the candidate is linked, and the row is about somebody else
	ReasonImportNoApplication Reason = "import.no_application" // no application of that number, or none that the sender may see
	ReasonImportResultFrozen  Reason = "import.result_frozen"  // the certificate has its number
	ReasonImportNotHeld       Reason = "import.not_held"       // a result of an exam that lies ahead
	ReasonImportUnsettled     Reason = "import.unsettled"      // the protocol is approved, nothing may be missing again
	ReasonSheetRegister       Reason = "sheet.register"        // the register's answer, which is loaded elsewhere
	ReasonImportCenterTwice   Reason = "import.center_twice"   // the center stands in the file already; Data: ImportRow
)

// The sheets and the columns of testing centres. Source: the contract, "Import
// sheets".
const (
	sheetCenters      = "Центры"
	sheetExams        = "Экзамены"
	sheetApplications = "Заявки"
	sheetResults      = "Результаты"

	columnCenter            = "Центр тестирования"
	columnInstrumental      = "Наименование в творительном падеже"
	columnIssueAddress      = "Адрес выдачи"
	columnSignatoryPosition = "Должность подписанта"
	columnSignatory         = "ФИО подписанта"
	columnProfile           = "Профиль бланка"

	columnExam    = "Номер экзамена"
	columnVenue   = "Площадка"
	columnAddress = "Адрес проведения"
	columnHeld    = "Дата и время"

	columnApplication      = columnLearner
	columnLevel            = "Уровень"
	columnLastNameLatin    = "Фамилия латиницей"
	columnFirstNameLatin   = "Имя латиницей"
	columnMiddleNameLatin  = "Отчество латиницей"
	columnGender           = "Пол"
	columnIdentityDocument = "Серия и номер документа"
	columnCitizenship      = "Гражданство"
	columnPhone            = "Телефон"
	columnLanguage         = "Язык"

	columnResult     = "Результат"
	columnViolations = "Нарушения"
	columnComment    = "Комментарий"
)

// centerRow is a row of «Центры».
type centerRow struct {
	Center        // BlankProfile is its code or name, until it is looked up
	center string // name or INN as it stands in the file
}

// examRow is a row of «Экзамены».
type examRow struct {
	Exam
	center string // name or INN as it stands in the file
	held   heldTime
}

// heldTime is when an exam is held.
type heldTime struct {
	on    Day
	clock string // ЧЧ:ММ, "" when it is not known
}

// applicationRow is a row of «Заявки».
type applicationRow struct {
	Application        // Citizenship is a code or a name, until it is looked up
	exam        string // its number
}

// resultRow is a row of «Результаты».
type resultRow struct {
	Number     string
	Outcome    Outcome
	Violations Violations
	Comment    string
}

// there says that the column must be there; its cells may be empty.
func (c sheetColumn[T]) there() sheetColumn[T] {
	c.present = true
	return c
}

// orKnown has an empty cell leave what is known.
func (c sheetColumn[T]) orKnown(at func(*T) *string) sheetColumn[T] {
	c.keep = func(from, into *T) {
		if *at(from) != "" {
			*at(into) = *at(from)
		}
	}
	return c
}

var centerColumns = []sheetColumn[centerRow]{
	columnOf(columnCenter, readText(maxOrgName), func(r *centerRow) *string { return &r.center }).must(),
	centerColumn(columnInstrumental, CenterInstitution),
	centerColumn(columnIssueAddress, CenterAddress),
	centerColumn(columnSignatoryPosition, CenterPosition),
	centerColumn(columnSignatory, CenterSignatory),
	columnOf(columnProfile, readText(longestName), func(r *centerRow) *string { return &r.BlankProfile }).
		orKnown(func(r *centerRow) *string { return &r.BlankProfile }).listed(),
}

// centerColumn is a column that an empty cell does not clear: no certificate can
// be printed without it.
func centerColumn(title string, f CenterField) sheetColumn[centerRow] {
	at := func(r *centerRow) *string { return r.value(f) }
	read := readText(centerLimits[f])
	return columnOf(title, func(text string, sheet *Sheet) (string, error) {
		value, err := read(text, sheet)
		if err == nil {
			err = checkLetters(value)
		}
		return value, err
	}, at).orKnown(at)
}

var examColumns = []sheetColumn[examRow]{
	columnOf(columnExam, readText(longestNumber), func(r *examRow) *string { return &r.Number }).must(),
	columnOf(columnCenter, readText(maxOrgName), func(r *examRow) *string { return &r.center }).must(),
	columnOf(columnVenue, readText(maxOrgName), func(r *examRow) *string { return &r.Venue }),
	columnOf(columnAddress, readText(maxOrgName), func(r *examRow) *string { return &r.Address }).must(),
	columnOf(columnHeld, readHeld, func(r *examRow) *heldTime { return &r.held }).must().of(ColumnMoment),
}

var applicationColumns = []sheetColumn[applicationRow]{
	columnOf(columnExam, readText(longestNumber), func(r *applicationRow) *string { return &r.exam }).must(),
	columnOf(columnApplication, readText(longestNumber), func(r *applicationRow) *string { return &r.Number }).must(),
	columnOf(columnLevel, readWord(levelWords), func(r *applicationRow) *Level { return &r.Level }).must().of(ColumnText, shown(levelWords)...),
	columnOf(columnLastName, readName, func(r *applicationRow) *string { return &r.LastName }).must(),
	columnOf(columnFirstName, readName, func(r *applicationRow) *string { return &r.FirstName }).must(),
	columnOf(columnMiddleName, orNone(readName), func(r *applicationRow) *string { return &r.MiddleName }),
	columnOf(columnLastNameLatin, readLatin, func(r *applicationRow) *string { return &r.LastNameLatin }),
	columnOf(columnFirstNameLatin, readLatin, func(r *applicationRow) *string { return &r.FirstNameLatin }),
	columnOf(columnMiddleNameLatin, orNone(readLatin), func(r *applicationRow) *string { return &r.MiddleNameLatin }),
	columnOf(columnBorn, readDay(firstBirth), func(r *applicationRow) *Day { return &r.BornOn }).must().of(ColumnDay),
	columnOf(columnGender, readWord(genderWords), func(r *applicationRow) *string { return &r.Gender }).of(ColumnText, shown(genderWords)...),
	columnOf(columnIdentityDocument, readText(longestName), func(r *applicationRow) *string { return &r.IdentityDocument }),
	columnOf(columnCitizenship, readText(longestName), func(r *applicationRow) *string { return &r.Citizenship }).listed(),
	columnOf(columnPhone, readPhone, func(r *applicationRow) *string { return &r.Phone }),
	columnOf(columnLanguage, readWord(languageWords), func(r *applicationRow) *string { return &r.Language }).of(ColumnText, shown(languageWords)...),
}

var resultColumns = []sheetColumn[resultRow]{
	columnOf(columnApplication, readText(longestNumber), func(r *resultRow) *string { return &r.Number }).must(),
	columnOf(columnResult, readWord(outcomeWords), func(r *resultRow) *Outcome { return &r.Outcome }).there().of(ColumnText, shown(outcomeWords)...),
	columnOf(columnViolations, readWord(violationWords), func(r *resultRow) *Violations { return &r.Violations }).of(ColumnText, shown(violationWords)...),
	columnOf(columnComment, readText(longestProgram), func(r *resultRow) *string { return &r.Comment }),
}

// choice is a value that a cell names: by its first word in empty workbooks and
// refusals, by the others too.
type choice[V comparable] struct {
	value V
	words []string
}

var levelWords = []choice[Level]{
	{LevelPatent, []string{
		"Патент", "Патент или разрешение на работу", "Разрешение на работу или патент", "Разрешение на работу", "Разрешения на работу или патента",
	}},
	{LevelTemporary, []string{
		"РВП", "Разрешение на временное проживание", "Разрешение на временное проживание (РВП)", "Разрешения на временное проживание",
	}},
	{LevelPermanent, []string{"ВНЖ", "Вид на жительство", "Вид на жительство (ВНЖ)", "Вида на жительство"}},
}

var genderWords = []choice[string]{
	{"m", []string{"М", "Муж", "Муж.", "Мужской", "Мужчина", "M", "Male"}},
	{"f", []string{"Ж", "Жен", "Жен.", "Женский", "Женщина", "F", "Female"}},
}

// languageWords are the languages of the texts for candidates.
var languageWords = []choice[string]{
	{"ru", []string{"русский", "ru"}},
	{"uz", []string{"узбекский", "uz"}},
	{"tg", []string{"таджикский", "tg"}},
	{"ky", []string{"киргизский", "кыргызский", "ky"}},
	{"az", []string{"азербайджанский", "az"}},
	{"hy", []string{"армянский", "hy"}},
	{"zh", []string{"китайский", "zh"}},
	{"en", []string{"английский", "en"}},
}

var outcomeWords = []choice[Outcome]{
	{OutcomePassed, []string{"Сдал", "Сдала", "Сдал (сдала)"}},
	{OutcomeFailed, []string{"Не сдал", "Не сдала", "Не сдал (не сдала)"}},
	{OutcomeAbsent, []string{"Не явился", "Не явилась", "Не явился (не явилась)"}},
}

var violationWords = []choice[Violations]{
	{ViolationsNone, []string{wordNo, "0", "false", "ложь"}},
	{ViolationsFound, []string{wordYes, "1", "true", "истина"}},
}

// shown are the words by which choices are offered.
func shown[V comparable](choices []choice[V]) []string {
	var out []string
	for _, c := range choices {
		out = append(out, c.words[0])
	}
	return out
}

// readWord reads one of the words; an empty cell is none of the values.
func readWord[V comparable](choices []choice[V]) func(string, *Sheet) (V, error) {
	known := map[string]V{}
	for _, c := range choices {
		for _, w := range c.words {
			known[fold(w)] = c.value
		}
	}
	return func(cell string, _ *Sheet) (V, error) {
		v, ok := known[fold(cell)]
		if !ok && cell != "" {
			return v, refuseWith(Invalid, ReasonImportNoWord, shown(choices))
		}
		return v, nil
	}
}

// readName reads a name. Letters of two alphabets in one word are a fault of
// typing that nobody sees and that would keep the name from being found again.
func readName(cell string, s *Sheet) (string, error) {
	name, err := readText(longestName)(cell, s)
	if err != nil {
		return "", err
	}
	var latin, cyrillic bool
	for _, r := range name + " " {
		switch {
		case unicode.Is(unicode.Cyrillic, r):
			cyrillic = true
		case unicode.Is(unicode.Latin, r):
			latin = true
		case !unicode.IsLetter(r) && !unicode.IsMark(r):
			latin, cyrillic = false, false
		}
		if latin && cyrillic {
			return "", refuse(Invalid, ReasonImportMixed)
		}
	}
	return name, nil
}

// readLatin reads a name in Latin letters, the signs of a passport between them.
func readLatin(cell string, s *Sheet) (string, error) {
	name, err := readText(longestName)(cell, s)
	if err != nil {
		return "", err
	}
	for _, r := range name {
		foreign := unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r) && !unicode.Is(unicode.Lm, r)
		if foreign || unicode.IsDigit(r) {
			return "", refuse(Invalid, ReasonImportNotLatin)
		}
	}
	return name, nil
}

// orNone reads the stroke that stands where there is no patronymic as an empty
// cell.
func orNone(read func(string, *Sheet) (string, error)) func(string, *Sheet) (string, error) {
	return func(cell string, s *Sheet) (string, error) {
		if strings.Trim(cell, "-–—") == "" {
			return "", nil
		}
		return read(cell, s)
	}
}

// Digits of a telephone's number with the country's code. Source: ITU-T E.164,
// at most 15; the shortest in use in the countries of candidates have 11 with
// their code, one less leaves room.
const (
	fewestPhoneDigits = 10
	mostPhoneDigits   = 15
)

// readPhone reads a number of a telephone; an empty cell is none.
func readPhone(cell string, s *Sheet) (string, error) {
	cell, err := readText(longestName)(cell, s)
	if err != nil || cell == "" {
		return "", err
	}
	return phoneDigits(cell)
}

// phoneDigits is a number of a telephone as its digits with the country's code:
// the 8 before ten digits, and no code before a 9 and nine digits, are Russia. No
// country has the code 89, so that is Russia even after a plus.
func phoneDigits(text string) (string, error) {
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune("+-–—() .\u00a0", r) {
			return -1
		}
		return r
	}, text)
	plus := strings.HasPrefix(text, "+")
	switch {
	case !plus && strings.HasPrefix(digits, "00"):
		digits = digits[2:]
	case len(digits) == 11 && (strings.HasPrefix(digits, "89") || !plus && digits[0] == '8'):
		digits = "7" + digits[1:]
	case !plus && len(digits) == 10 && digits[0] == '9':
		digits = "7" + digits
	}
	if strings.Trim(digits, "0123456789") != "" || strings.HasPrefix(digits, "0") ||
		len(digits) < fewestPhoneDigits || len(digits) > mostPhoneDigits || strings.Contains(text[1:], "+") {
		return "", refuse(Invalid, ReasonImportNoPhone)
	}
	return digits, nil
}

// readHeld reads a day with or without ЧЧ:ММ after it, or the number by which
// Excel keeps both. No exam is held at midnight: 00:00 is no time, as it is none
// in a number of Excel.
func readHeld(cell string, s *Sheet) (heldTime, error) {
	if cell == "" {
		return heldTime{}, nil
	}
	day, clock := cell, ""
	if serial, err := strconv.ParseFloat(cell, 64); err == nil {
		if serial > 0 && serial <= serialMost {
			minutes := int(math.Round(serial * dayMinutes))
			day = strconv.Itoa(minutes / dayMinutes)
			clock = fmt.Sprintf("%02d:%02d", minutes%dayMinutes/60, minutes%60)
		}
	} else if before, after, timed := strings.Cut(strings.Replace(cell, "T", " ", 1), " "); timed {
		if day, clock = before, clockOf(after); clock == "" {
			return heldTime{}, refuse(Invalid, ReasonImportNoTime)
		}
	}
	on, err := readDay(firstTraining)(day, s)
	if ReasonOf(err) == ReasonImportNoDay {
		return heldTime{}, refuse(Invalid, ReasonImportNoTime)
	}
	if clock == midnight {
		clock = ""
	}
	return heldTime{on, clock}, err
}

const (
	midnight   = "00:00"
	dayMinutes = 24 * 60
)

// clockOf reads ЧЧ:ММ, with or without seconds; "" for anything else.
func clockOf(text string) string {
	text = strings.TrimSuffix(strings.TrimSpace(text), "Z")
	for _, layout := range []string{"15:04", time.TimeOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Format("15:04")
		}
	}
	return ""
}
