"""What the files for balena, Kubernetes and images must be like."""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import kubernetes_validate
import yaml

ROOT = Path(__file__).parents[2]
BALENA = ROOT / "balena"
KUBERNETES = ROOT / "deploy" / "kubernetes"


def load(path):
    return yaml.safe_load(path.read_text())


class Balena(unittest.TestCase):
    """The part of Compose 2.4 that balena takes."""

    SERVICE_KEYS = {
        "build", "image", "cap_add", "cap_drop", "command", "depends_on", "devices", "entrypoint", "environment",
        "healthcheck", "labels", "network_mode", "ports", "privileged", "restart", "security_opt", "stop_grace_period",
        "stop_signal", "tmpfs", "ulimits", "user", "volumes", "working_dir", "read_only", "init", "mem_limit",
    }

    def setUp(self):
        self.text = (BALENA / "docker-compose.yml").read_text()
        self.compose = yaml.safe_load(self.text)

    def test_it_is_version_2_4_with_services_and_named_volumes_alone(self):
        self.assertEqual(self.compose["version"], "2.4")
        self.assertLessEqual(set(self.compose), {"version", "services", "volumes", "networks"})
        self.assertNotIn("${", self.text, "balena substitutes nothing")

    def test_services_use_nothing_that_balena_does_not_take(self):
        for name, service in self.compose["services"].items():
            with self.subTest(name):
                self.assertLessEqual(set(service), self.SERVICE_KEYS)
                self.assertIsInstance(service.get("depends_on", []), list)
                self.assertIn(service.get("network_mode", "bridge"), ["host", "bridge", "none"])
                for volume in service.get("volumes", []):
                    self.assertIn(volume.split(":")[0], self.compose["volumes"], "no bind mounts")

    def test_each_is_built_from_a_template_inside_the_project(self):
        for name, service in self.compose["services"].items():
            context = (BALENA / service["build"]).resolve()
            self.assertTrue(context.is_relative_to(BALENA), name)
            template = (context / "Dockerfile.template").read_text()
            self.assertIn("%%BALENA_", template)

    def test_the_last_stage_of_a_template_is_that_of_the_image(self):
        stages = {}
        for stage in (ROOT / "Dockerfile").read_text().split("\nFROM ")[1:]:
            head, body = stage.split("\n", 1)
            stages[head.split(" AS ")[1]] = body.strip()
        for name in self.compose["services"]:
            template = (BALENA / name / "Dockerfile.template").read_text()
            self.assertEqual(template.split("\nFROM scratch\n")[1].strip(), stages[name], name)

    def test_balena_yml_says_what_must_be_said(self):
        project = load(BALENA / "balena.yml")
        self.assertEqual(project["type"], "sw.application")
        self.assertRegex(project["version"], r"^\d+\.\d+\.\d+$")
        self.assertTrue(project["name"])
        self.assertIn(project["data"]["defaultDeviceType"], project["data"]["supportedDeviceTypes"])
        variables = {name for entry in project["data"]["applicationEnvironmentVariables"] for name in entry}
        self.assertLessEqual({"CLUSTER_KEY", "TOKENS", "P2PFAAS_JOIN"}, variables)

    def test_the_stage_holds_what_a_build_needs_and_no_more(self):
        subprocess.run([BALENA / "stage.sh"], check=True, stdout=subprocess.DEVNULL)
        for service in self.compose["services"]:
            stage = BALENA / "staged" / service
            for path in ["Dockerfile.template", "Cargo.lock", "deploy/build.sh", "p2pfaas-node/src/main.rs"]:
                self.assertTrue((stage / path).is_file(), path)
            self.assertFalse(list(stage.rglob("target")))

    def test_the_hosts_file_has_the_devices_that_are_online(self):
        devices = {
            "aaaa1111": {"device_name": "pi-1", "ip_address": "10.0.0.1 fe80::1", "is_online": True},
            "bbbb2222": {"device_name": "pi-2", "ip_address": "10.0.0.2", "is_online": False},
            "cccc3333": {"device_name": "pi-3", "ip_address": "fe80::3 10.0.0.3", "is_online": True},
        }
        with tempfile.TemporaryDirectory() as folder:
            known = {uuid: device | {"uuid": uuid} for uuid, device in devices.items()}
            for uuid, device in known.items():
                Path(folder, uuid).write_text(json.dumps(device))
            Path(folder, "list").write_text(json.dumps(list(known.values())))
            balena = Path(folder, "balena")
            balena.write_text('#!/bin/sh\nif [ "$2" = list ]; then cat "${0%/*}/list"; else cat "${0%/*}/$2"; fi\n')
            balena.chmod(0o755)
            environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
            made = subprocess.run([BALENA / "hosts.sh", "fleet"], env=environment, check=True, capture_output=True, text=True)
        self.assertEqual(made.stdout, "10.0.0.1  # pi-1 aaaa111\n10.0.0.3  # pi-3 cccc333\n")


class Kubernetes(unittest.TestCase):
    """Against the schemas of two versions, in which nothing unknown is allowed."""

    VERSIONS = ["1.28", "1.34"]

    def setUp(self):
        self.kustomization = load(KUBERNETES / "kustomization.yaml")
        self.resources = [
            resource
            for name in self.kustomization["resources"]
            for resource in yaml.safe_load_all((KUBERNETES / name).read_text())
        ]

    def test_every_resource_is_right(self):
        self.assertEqual(len(self.resources), 5)
        for resource in self.resources:
            for version in self.VERSIONS:
                with self.subTest(resource["kind"], version=version):
                    kubernetes_validate.validate(resource, version, strict=True)

    def test_a_slip_is_found(self):
        nodes = next(resource for resource in self.resources if resource["kind"] == "DaemonSet")
        nodes["spec"]["template"]["spec"]["containers"][0]["imagePullPolice"] = "Always"
        with self.assertRaises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(nodes, self.VERSIONS[0], strict=True)

    def test_every_resource_is_listed_and_what_is_mounted_exists(self):
        files = {path.name for path in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}
        self.assertEqual(files, set(self.kustomization["resources"]))
        made = {made["name"] for made in self.kustomization["configMapGenerator"] + self.kustomization["secretGenerator"]}
        nodes = next(resource for resource in self.resources if resource["kind"] == "DaemonSet")
        pod = nodes["spec"]["template"]["spec"]
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        named = {volume.get("configMap", {}).get("name") for volume in volumes.values()}
        named |= {volume.get("secret", {}).get("secretName") for volume in volumes.values()}
        # The password of OpenFaaS comes from OpenFaaS.
        self.assertEqual(named - {None, "basic-auth"}, made)
        for container in pod["containers"] + pod["initContainers"]:
            self.assertLessEqual({mount["name"] for mount in container["volumeMounts"]}, set(volumes))

    def test_the_namespace_lets_nodes_keep_their_folder(self):
        namespace = next(resource for resource in self.resources if resource["kind"] == "Namespace")
        nodes = next(resource for resource in self.resources if resource["kind"] == "DaemonSet")
        volumes = nodes["spec"]["template"]["spec"]["volumes"]
        self.assertTrue(any("hostPath" in volume for volume in volumes))
        level = namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        self.assertEqual(level, "privileged", "baseline and restricted forbid hostPath")

    def test_services_and_policies_select_the_nodes(self):
        nodes = next(resource for resource in self.resources if resource["kind"] == "DaemonSet")
        labels = nodes["spec"]["template"]["metadata"]["labels"]
        for resource in self.resources:
            if resource["kind"] == "Service":
                self.assertEqual(resource["spec"]["selector"], labels)
            if resource["kind"] == "NetworkPolicy":
                self.assertEqual(resource["spec"]["podSelector"]["matchLabels"], labels)


if __name__ == "__main__":
    unittest.main()
