# Builds an image out of a running guest of Lodge. The wire tests end it at its SSH step (a simulated guest answers nobody); with
# real hosts the same file logs in, provisions and goes on. Credentials and region come from the environment as for any AWS tool.
variable "endpoint" {
  type        = string
  description = "Lodge's endpoint: $LODGE_ENDPOINT."
}

variable "region" {
  type    = string
  default = "us-east-1"
}

variable "source_name" {
  type        = string
  description = "The source image's name; * and ? match."
}

variable "source_owner" {
  type    = string
  default = "amazon"
}

variable "instance_type" {
  type    = string
  default = "t3.micro"
}

variable "ssh_username" {
  type    = string
  default = "debian"
}

variable "ssh_interface" {
  type        = string
  default     = "private_ip"
  description = "Where to reach the guest: private_ip or public_ip."
}

variable "ssh_timeout" {
  type    = string
  default = "10m"
}

variable "subnet_id" {
  type        = string
  default     = ""
  description = "Empty: a default subnet."
}

variable "ami_name" {
  type    = string
  default = "packed"
}

source "amazon-ebs" "guest" {
  custom_endpoint_ec2         = var.endpoint
  region                      = var.region
  skip_region_validation      = true
  skip_credential_validation  = true
  skip_metadata_api_check     = true
  ami_name                    = var.ami_name
  instance_type               = var.instance_type
  subnet_id                   = var.subnet_id
  associate_public_ip_address = var.ssh_interface == "public_ip"
  ssh_username                = var.ssh_username
  ssh_interface               = var.ssh_interface
  ssh_timeout                 = var.ssh_timeout
  run_tags                    = { Made-by = "packer" }

  source_ami_filter {
    filters = {
      name         = var.source_name
      architecture = "x86_64"
      state        = "available"
    }
    owners      = [var.source_owner]
    most_recent = true
  }
}

build {
  sources = ["source.amazon-ebs.guest"]

  provisioner "shell" {
    inline = ["echo reached $(hostname)"]
  }
}
