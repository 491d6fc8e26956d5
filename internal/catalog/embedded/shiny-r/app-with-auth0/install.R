# Installs the packages that are missing. The platform runs it when it builds the app.
packages <- c("shiny", "bslib")
missing <- setdiff(packages, rownames(installed.packages()))
if (length(missing) > 0) {
  install.packages(missing)
}
