package dotenv

const testdata = "../../testdata/dotenv"
