package pysource

import (
	"maps"
	"strings"
)

// Distribution returns the name under which a package index has an imported module, such as "pillow" for "PIL". For
// most it is the module's own; indexes take "_" and "-" for the same.
func Distribution(module string) string {
	for prefix := module; prefix != ""; {
		if name, ok := distributions[prefix]; ok {
			return name
		}
		dot := strings.LastIndexByte(prefix, '.')
		prefix = prefix[:max(0, dot)]
	}
	top, _, _ := strings.Cut(module, ".")
	return strings.ReplaceAll(top, "_", "-")
}

// Distributions returns the modules whose names differ from those of their distributions, and the distributions.
func Distributions() map[string]string { return maps.Clone(distributions) }

// distributions are those of the modules whose names differ.
var distributions = map[string]string{
	"Bio": "biopython", "Crypto": "pycryptodome", "Cryptodome": "pycryptodomex", "IPython": "ipython", "Levenshtein": "levenshtein",
	"MySQLdb": "mysqlclient", "OpenSSL": "pyopenssl", "PIL": "pillow", "PyPDF2": "pypdf2", "Xlib": "python-xlib",
	"attr": "attrs", "bs4": "beautifulsoup4", "cairo": "pycairo", "community": "python-louvain", "cv2": "opencv-python-headless",
	"dateutil": "python-dateutil", "decouple": "python-decouple", "discord": "discord.py", "dns": "dnspython", "docx": "python-docx",
	"dotenv": "python-dotenv", "engineio": "python-engineio", "faiss": "faiss-cpu", "fasthtml": "python-fasthtml", "fitz": "pymupdf",
	"git": "gitpython", "github": "pygithub", "google.auth": "google-auth", "google.cloud.bigquery": "google-cloud-bigquery",
	"google.cloud.firestore": "google-cloud-firestore", "google.cloud.secretmanager": "google-cloud-secret-manager",
	"google.cloud.storage": "google-cloud-storage", "google.genai": "google-genai", "google.generativeai": "google-generativeai",
	"google.oauth2": "google-auth", "google.protobuf": "protobuf", "googleapiclient": "google-api-python-client", "gi": "pygobject",
	"hydra": "hydra-core", "igraph": "python-igraph", "jose": "python-jose", "jwt": "pyjwt", "kafka": "kafka-python", "ldap": "python-ldap",
	"magic": "python-magic", "mpl_toolkits": "matplotlib", "multipart": "python-multipart", "nacl": "pynacl", "pkg_resources": "setuptools",
	"pptx": "python-pptx", "psycopg2": "psycopg2-binary", "pylab": "matplotlib", "pymongo": "pymongo", "bson": "pymongo",
	"rest_framework": "djangorestframework", "ruamel": "ruamel.yaml", "serial": "pyserial", "skimage": "scikit-image",
	"sklearn": "scikit-learn", "slugify": "python-slugify", "socketio": "python-socketio", "st_aggrid": "streamlit-aggrid",
	"telegram": "python-telegram-bot", "umap": "umap-learn", "usb": "pyusb", "websocket": "websocket-client", "win32com": "pywin32",
	"yaml": "pyyaml", "zmq": "pyzmq",
	"annotated_text": "st-annotated-text", "apiclient": "google-api-python-client", "barcode": "python-barcode",
	"bio": "biopython", "ee": "earthengine-api", "environ": "django-environ", "google.ads": "google-ads",
	"google.analytics": "google-analytics-data", "google.api_core": "google-api-core", "imblearn": "imbalanced-learn",
	"jpype": "jpype1", "mysql": "mysql-connector-python", "osgeo": "gdal", "psycopg": "psycopg[binary]",
	"sklearn_extra": "scikit-learn-extra", "snowflake": "snowflake-connector-python",
	"snowflake.connector": "snowflake-connector-python", "snowflake.snowpark": "snowflake-snowpark-python", "socks": "pysocks",
	"speech_recognition": "speechrecognition", "vl_convert": "vl-convert-python", "win32api": "pywin32",
}
