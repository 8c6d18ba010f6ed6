"""The endpoint over TLS, with a certificate from files."""
import http.client
import subprocess
import tempfile
import unittest

import harness
from botocore.exceptions import BotoCoreError


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="lodge-tls-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.certificate, cls.key = f"{cls.folder.name}/cert.pem", f"{cls.folder.name}/key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
                        "-keyout", cls.key, "-out", cls.certificate], check=True, capture_output=True)
        cls.lodge = harness.Lodge("--tls-certificate", cls.certificate, "--tls-key", cls.key)
        cls.addClassCleanup(cls.lodge.close)
        cls.lodge.start()
        cls.addClassCleanup(cls.lodge.stop)

    def client(self, verify):
        return harness._session.create_client(
            "ec2", region_name=harness.REGION, endpoint_url=f"https://127.0.0.1:{self.lodge.port}", verify=verify,
            config=harness.CONFIG, aws_access_key_id=harness.SIMULATED.key,
            aws_secret_access_key=harness.SIMULATED.secret)

    def test_a_stock_client_that_trusts_the_certificate(self):
        regions = self.client(self.certificate).describe_regions()["Regions"]
        self.assertEqual(regions[0]["Endpoint"], f"127.0.0.1:{self.lodge.port}")

    def test_one_that_does_not(self):
        with self.assertRaises(BotoCoreError):
            self.client(None).describe_regions()

    def test_plain_http_on_the_tls_port(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.lodge.port, timeout=10)
        with self.assertRaises((OSError, http.client.HTTPException)):
            connection.request("GET", "/healthz")
            connection.getresponse()
        connection.close()

    def test_a_missing_key_file_is_told(self):
        done = subprocess.run([str(harness.LODGED), "--simulate", "1", "--port", str(harness.free_port()),
                               "--tls-certificate", self.certificate, "--tls-key", f"{self.folder.name}/none"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{self.folder.name}/none", done.stderr)


if __name__ == "__main__":
    unittest.main()
