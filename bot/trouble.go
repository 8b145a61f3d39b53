package bot

// pressTroubles opens «Неполадки».
const pressTroubles Action = "tr"
